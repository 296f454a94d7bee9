//! The module against real repositories.

mod history;
mod trees;
mod work_tree;
