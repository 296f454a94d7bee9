//! What people and programs see of an answer: text, JSON, drawings. No decision is made here.

pub mod additions;
pub mod audit;
pub mod cache;
pub mod diagnostics;
pub mod drawing;
pub mod history;
pub mod json;
pub mod markdown;
pub mod page;
pub mod run;
pub mod text;
