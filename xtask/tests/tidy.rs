//! The rules that the code keeps.

use std::path::Path;

#[test]
fn no_rule_is_broken() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let found = xtask::tidy::violations(root).unwrap();
    assert!(found.is_empty(), "{}", found.join("\n"));
}
