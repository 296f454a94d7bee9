//! The module against real repositories.

mod history;
mod shapes;
mod trees;
mod work_tree;
