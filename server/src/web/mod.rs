//! What a browser gets from us: pages, their headers, cookies, and the tokens in their forms. Which page is shown, and
//! what a submitted form means, is decided in `oidc`; this room knows neither clients nor policies.

pub mod cookies;
pub mod cors;
pub mod csrf;
pub mod headers;
pub mod pages;
