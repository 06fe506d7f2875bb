//! Doorward: conditional access as code. The plan of the rooms, from the front desk down.
//!
//! Arrows point down: `cli` > `app` > `oidc` > `access` > { `signals` `tokens` `audit` `web`
//! `directory` } > { `storage` `config` `reload` `remote` `jose` } > `domain`. Rooms of one level are strangers.

pub mod access;
pub mod app;
pub mod audit;
pub mod cli;
pub mod config;
pub mod directory;
pub mod domain;
pub mod jose;
pub mod oidc;
pub mod reload;
pub mod remote;
pub mod signals;
pub mod storage;
pub mod tokens;
pub mod web;
