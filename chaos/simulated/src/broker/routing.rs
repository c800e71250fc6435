//! Topic routing: words between dots; `*` is one word, `#` any number of them.

/// The queues that a message goes to, each once, in the order of their bindings.
pub(super) fn route(bindings: &[(&str, &str, usize)], exchange: &str, key: &str) -> Vec<usize> {
    let mut queues = Vec::new();
    for (from, pattern, queue) in bindings {
        if *from == exchange && matches(pattern, key) && !queues.contains(queue) {
            queues.push(*queue);
        }
    }
    queues
}

fn matches(pattern: &str, key: &str) -> bool {
    if pattern == key {
        return true;
    }
    if !pattern.contains(['*', '#']) {
        return false;
    }
    let pattern: Vec<&str> = pattern.split('.').collect();
    let key: Vec<&str> = key.split('.').collect();
    words(&pattern, &key)
}

fn words(pattern: &[&str], key: &[&str]) -> bool {
    match (pattern, key) {
        ([], []) => true,
        (["#", rest @ ..], _) => words(rest, key) || (!key.is_empty() && words(pattern, &key[1..])),
        (["*", rest @ ..], [_, key @ ..]) => words(rest, key),
        ([word, rest @ ..], [first, key @ ..]) => word == first && words(rest, key),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_is_one_word_and_a_hash_any_number() {
        for (pattern, key, expected) in [
            ("order.shipped", "order.shipped", true),
            ("order.shipped", "order.packaging", false),
            ("order.*", "order.shipped", true),
            ("order.*", "order", false),
            ("order.*", "order.shipped.late", false),
            ("order.#", "order", true),
            ("order.#", "order.shipped.late", true),
            ("#.late", "order.shipped.late", true),
            ("#", "", true),
            ("*.shipped", "order.shipped", true),
            ("#.shipped.#", "order.shipped", true),
            ("order.#.late", "order.shipped", false),
        ] {
            assert_eq!(matches(pattern, key), expected, "{pattern} {key}");
        }
    }

    #[test]
    fn a_queue_gets_a_message_once_however_many_bindings_match() {
        let bindings = [("orders", "order.#", 1), ("orders", "order.*", 1), ("other", "#", 2), ("orders", "order.a", 0)];
        assert_eq!(route(&bindings, "orders", "order.a"), [1, 0]);
    }
}
