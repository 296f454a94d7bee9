//! What is kept between runs. A fault in it costs time and never changes an answer.

mod memo;

pub use memo::{Contents, Item, Memo};
