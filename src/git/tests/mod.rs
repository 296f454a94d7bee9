//! The module against real repositories.

mod attributes;
mod commit_graph;
mod history;
mod nested;
mod packs;
mod shapes;
mod trees;
mod work_tree;
