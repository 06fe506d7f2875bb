//! What the client and the documents do against servers that behave in every way they can.

mod client;
mod document;
