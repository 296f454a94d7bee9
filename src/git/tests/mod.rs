//! The module against real repositories.

mod attributes;
mod history;
mod nested;
mod packs;
mod shapes;
mod trees;
mod work_tree;
