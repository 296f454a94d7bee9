//! Attributes whose file gave way to something else, against git's own answers.

use std::fs;

use super::work_tree::check;
use crate::git::testing::{Fixture, bytes_at};

#[test]
fn case_50_a_folder_in_the_place_of_attributes_takes_them_away() {
    let f = Fixture::init(&[]);
    f.write(".gitattributes", "* text\n");
    f.commit("1");
    f.remove(".gitattributes");
    fs::create_dir(f.top().join(".gitattributes")).unwrap();
    f.write("f", "a\r\n");
    assert_eq!(bytes_at(&*check(&f).tree, "f"), b"a\r\n");
}
