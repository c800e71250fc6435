//! Exchanges and bindings: where a message goes.

use world::broker::{BrokerError, Exchange, ExchangeKind};

/// All exchanges and bindings.
#[derive(Default)]
pub(super) struct Router {
    exchanges: Vec<Switch>,
    bindings: Vec<Binding>,
}

/// An exchange.
struct Switch {
    name: Box<str>,
    kind: ExchangeKind,
    alternate: Option<Box<str>>,
}

struct Binding {
    exchange: usize,
    pattern: Box<str>,
    /// The pattern has a `*` or a `#`; without one, it is a key.
    wild: bool,
    queue: usize,
}

/// A binding that was taken away.
pub(super) struct Unbound(Binding);

impl Router {
    /// Makes an exchange; 406 when there is another one of that name.
    pub(super) fn declare(&mut self, exchange: &Exchange<'_>) -> Result<(), BrokerError> {
        let Some(at) = self.exchange(exchange.name) else {
            let alternate = exchange.alternate.map(Into::into);
            self.exchanges.push(Switch { name: exchange.name.into(), kind: exchange.kind, alternate });
            return Ok(());
        };
        let there = &self.exchanges[at];
        let differs = match (there.kind == exchange.kind, there.alternate.as_deref() == exchange.alternate) {
            (true, true) => return Ok(()),
            (false, _) => "type",
            (true, false) => "alternate-exchange",
        };
        let text = format!("PRECONDITION_FAILED - inequivalent arg '{differs}' for exchange '{}' in vhost '/'", exchange.name);
        Err(BrokerError::ChannelClosed { code: 406, text })
    }

    /// Binds a queue; 404 when there is no such exchange.
    pub(super) fn bind(&mut self, exchange: &str, pattern: &str, queue: usize) -> Result<(), BrokerError> {
        let at = self.exchange(exchange).ok_or_else(|| not_found("exchange", exchange))?;
        let same = |binding: &Binding| (binding.exchange, &*binding.pattern, binding.queue) == (at, pattern, queue);
        if !self.bindings.iter().any(same) {
            self.bindings.push(Binding { exchange: at, pattern: pattern.into(), wild: pattern.contains(['*', '#']), queue });
        }
        Ok(())
    }

    /// A queue is gone, and its bindings with it.
    pub(super) fn forget(&mut self, queue: usize) {
        self.bindings.retain(|binding| binding.queue != queue);
    }

    /// Takes a binding away. Returns whether it was there.
    pub(super) fn unbind(&mut self, exchange: &str, pattern: &str, queue: usize) -> bool {
        let Some(at) = self.exchange(exchange) else { return false };
        let before = self.bindings.len();
        self.bindings.retain(|binding| (binding.exchange, &*binding.pattern, binding.queue) != (at, pattern, queue));
        self.bindings.len() < before
    }

    /// Takes all bindings of a key away.
    pub(super) fn unbind_key(&mut self, key: &str) -> Vec<Unbound> {
        self.bindings.extract_if(.., |binding| &*binding.pattern == key).map(Unbound).collect()
    }

    /// Takes all bindings of an exchange away.
    pub(super) fn strand(&mut self, exchange: &str) -> Vec<Unbound> {
        let Some(at) = self.exchange(exchange) else { return Vec::new() };
        self.bindings.extract_if(.., |binding| binding.exchange == at).map(Unbound).collect()
    }

    /// Puts bindings back; one that somebody else has made again is there once.
    pub(super) fn bind_again(&mut self, unbound: Vec<Unbound>) {
        for Unbound(binding) in unbound {
            let same = |it: &Binding| (it.exchange, &it.pattern, it.queue) == (binding.exchange, &binding.pattern, binding.queue);
            if !self.bindings.iter().any(same) {
                self.bindings.push(binding);
            }
        }
    }

    fn exchange(&self, name: &str) -> Option<usize> {
        self.exchanges.iter().position(|exchange| &*exchange.name == name)
    }

    /// The queues that a message goes to, each once, in the order of their bindings; none when there is no such exchange.
    ///
    /// What an exchange cannot route goes to its alternate exchange, and so on, until one can, has none, or had its turn; an
    /// alternate exchange that does not exist is none (RabbitMQ 4.0, ae.md, "How Alternate Exchanges Work").
    pub(super) fn route(&self, exchange: &str, key: &str) -> Option<Vec<usize>> {
        let mut at = self.exchange(exchange)?;
        let mut queues = self.bound(at, key);
        let mut tried = Vec::new();
        while queues.is_empty() {
            tried.push(at);
            let Some(next) = self.exchanges[at].alternate.as_deref().and_then(|name| self.exchange(name)) else { break };
            if tried.contains(&next) {
                break;
            }
            at = next;
            queues = self.bound(at, key);
        }
        Some(queues)
    }

    fn bound(&self, exchange: usize, key: &str) -> Vec<usize> {
        let kind = self.exchanges[exchange].kind;
        let mut queues = Vec::new();
        for binding in self.bindings.iter().filter(|binding| binding.exchange == exchange) {
            let fits = match kind {
                ExchangeKind::Topic if binding.wild => matches(&binding.pattern, key),
                ExchangeKind::Topic | ExchangeKind::Direct => &*binding.pattern == key,
                ExchangeKind::Fanout => true,
            };
            if fits && !queues.contains(&binding.queue) {
                queues.push(binding.queue);
            }
        }
        queues
    }
}

/// RabbitMQ's words for something that is not there.
pub(super) fn not_found(kind: &str, name: &str) -> BrokerError {
    BrokerError::ChannelClosed { code: 404, text: format!("NOT_FOUND - no {kind} '{name}' in vhost '/'") }
}

/// Topic routing: words between dots; `*` is one word, `#` any number of them.
fn matches(pattern: &str, key: &str) -> bool {
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

    fn router(exchanges: &[(&str, ExchangeKind, Option<&str>)], bindings: &[(&str, &str, usize)]) -> Router {
        let mut router = Router::default();
        for (name, kind, alternate) in exchanges {
            router.declare(&Exchange { name, kind: *kind, alternate: *alternate }).unwrap();
        }
        for (exchange, pattern, queue) in bindings {
            router.bind(exchange, pattern, *queue).unwrap();
        }
        router
    }

    #[test]
    fn a_queue_gets_a_message_once_however_many_bindings_match() {
        let exchanges = [("orders", ExchangeKind::Topic, None), ("other", ExchangeKind::Topic, None)];
        let bindings = [("orders", "order.#", 1), ("orders", "order.*", 1), ("other", "#", 2), ("orders", "order.a", 0)];
        let router = router(&exchanges, &bindings);
        assert_eq!(router.route("orders", "order.a"), Some(vec![1, 0]));
        assert_eq!(router.route("nowhere", "order.a"), None);
    }

    #[test]
    fn a_direct_exchange_takes_the_key_as_it_is_and_a_fanout_any() {
        let exchanges = [("direct", ExchangeKind::Direct, None), ("fanout", ExchangeKind::Fanout, None)];
        let router = router(&exchanges, &[("direct", "order.*", 0), ("direct", "a", 1), ("fanout", "b", 2)]);
        assert_eq!(router.route("direct", "a"), Some(vec![1]));
        assert_eq!(router.route("direct", "order.a"), Some(vec![]));
        assert_eq!(router.route("fanout", "a"), Some(vec![2]));
    }

    #[test]
    fn what_cannot_be_routed_goes_down_the_chain_of_alternate_exchanges_once() {
        let exchanges = [
            ("first", ExchangeKind::Direct, Some("second")),
            ("second", ExchangeKind::Direct, Some("third")),
            ("third", ExchangeKind::Direct, Some("first")),
            ("lonely", ExchangeKind::Direct, Some("missing")),
        ];
        let router = router(&exchanges, &[("first", "a", 0), ("third", "b", 1)]);
        assert_eq!(router.route("first", "a"), Some(vec![0]));
        assert_eq!(router.route("first", "b"), Some(vec![1]));
        assert_eq!(router.route("first", "c"), Some(vec![]), "the cycle ends");
        assert_eq!(router.route("lonely", "a"), Some(vec![]));
    }

    #[test]
    fn another_exchange_of_the_same_name_is_refused() {
        let mut router = router(&[("orders", ExchangeKind::Topic, None)], &[]);
        assert_eq!(router.declare(&Exchange::topic("orders")), Ok(()));
        let other = Exchange { kind: ExchangeKind::Fanout, ..Exchange::topic("orders") };
        assert!(matches!(router.declare(&other), Err(BrokerError::ChannelClosed { code: 406, .. })));
        let other = Exchange { alternate: Some("x"), ..Exchange::topic("orders") };
        assert!(matches!(router.declare(&other), Err(BrokerError::ChannelClosed { code: 406, .. })));
        assert!(matches!(router.bind("nowhere", "a", 0), Err(BrokerError::ChannelClosed { code: 404, .. })));
    }
}
