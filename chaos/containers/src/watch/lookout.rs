//! Whoever looks whether the parts of a stack are well, once a second until the traces have been read back: its broker's alarms, the
//! connections to its databases, whether Elasticsearch takes records, and whether any part was started anew. The services apart, whose
//! ends are told elsewhere.

use std::{
    mem,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use adapters::runtime::wall_clock_ns;
use futures_util::future::join_all;
use testcontainers::bollard::Docker;
use world::{Runtime, Task};

use super::connections::{Server, Taken};
use crate::{
    accident::{Accident, Accidents},
    docker,
    elastic::Elastic,
    management::Management,
    nemesis::ContainerNemesis,
    parts::Started,
    shipping::Shipping,
    stack::Stack,
};

/// Between two looks: often enough to see what lasts for a second or two.
const EVERY: Duration = Duration::from_secs(1);
/// Whoever waits between two looks asks so often whether it is over.
const TURN: Duration = Duration::from_millis(100);
/// How long one question may take.
const ANSWER: Duration = Duration::from_secs(5);

/// Whoever looks. Ends with [`Lookout::end`], or when it is dropped.
pub struct Lookout {
    over: Arc<AtomicBool>,
    /// Gives what was seen, in words.
    looking: Option<Task<Vec<String>>>,
}

impl Lookout {
    /// Looks until it is told to end.
    #[must_use]
    pub fn start(stack: &Stack, rt: &Runtime) -> Self {
        let over = Arc::new(AtomicBool::new(false));
        let (sight, epoch_ns) = (Sight::of(stack), stack.epoch_ns());
        let looking = rt.spawn("lookout", sight.watch(rt.clone(), Arc::clone(&over), epoch_ns));
        Self { over, looking: Some(looking) }
    }

    /// Looks once more, then gives all that was seen: a sentence for each accident.
    pub async fn end(mut self) -> Vec<String> {
        self.over.store(true, Ordering::Release);
        match self.looking.take() {
            Some(looking) => looking.join().await.unwrap_or_default(),
            None => Vec::new(),
        }
    }
}

impl Drop for Lookout {
    fn drop(&mut self) {
        self.over.store(true, Ordering::Release);
    }
}

/// What is looked at.
struct Sight {
    docker: Docker,
    broker: Management,
    servers: Vec<Server>,
    /// Elasticsearch and the run's indices, where there are logs.
    logs: Option<(Started, String)>,
    /// Each part, and when it was started as it was last seen.
    parts: Vec<(Started, Option<String>)>,
    nemesis: Arc<ContainerNemesis>,
    seen: Accidents,
}

impl Sight {
    fn of(stack: &Stack) -> Self {
        let docker = stack.docker();
        Self {
            broker: Management::new(docker.clone(), stack.broker_part().container),
            servers: stack.servers().map(|server| Server::new(docker.clone(), server.clone())).collect(),
            logs: stack.shipping().map(Shipping::target).map(|(part, indices)| (part.clone(), indices.to_owned())),
            parts: stack.below().map(|part| (part.clone(), None)).collect(),
            nemesis: stack.nemesis(),
            seen: Accidents::default(),
            docker,
        }
    }

    async fn watch(mut self, rt: Runtime, over: Arc<AtomicBool>, epoch_ns: u64) -> Vec<String> {
        loop {
            let last = over.load(Ordering::Acquire);
            self.look(&rt).await;
            if last {
                return self.seen.told(epoch_ns);
            }
            let next = rt.now() + EVERY;
            while rt.now() < next && !over.load(Ordering::Acquire) {
                rt.sleep(TURN).await;
            }
        }
    }

    /// Whoever does not answer is no accident for that: whether it runs is looked at too.
    async fn look(&mut self, rt: &Runtime) {
        let at_ns = wall_clock_ns();
        let mut found = self.parts().await;
        if let Some(Ok(alarms)) = docker::limited(ANSWER, self.broker.alarms()).await {
            found.extend(alarms.into_iter().map(Accident::Alarm));
        }
        for server in &mut self.servers {
            if let Some(Some(Taken::All(all))) = docker::limited(ANSWER, server.look(rt)).await {
                found.push(Accident::NoConnection { part: server.part().to_owned(), all });
            }
        }
        found.extend(docker::limited(ANSWER, self.block()).await.flatten().map(Accident::ReadOnly));
        let faults = self.nemesis.lasting(at_ns, wall_clock_ns());
        found.into_iter().for_each(|accident| self.seen.see(accident, at_ns, &faults));
    }

    /// Which parts have stopped or were started anew since the last look.
    async fn parts(&mut self) -> Vec<Accident> {
        let docker = &self.docker;
        let looks = self.parts.iter_mut().map(|(part, since)| async move {
            match docker::limited(ANSWER, docker::started_at(docker, &part.id)).await? {
                Ok(None) => Some(Accident::Stopped(part.part.clone())),
                Ok(now) => {
                    let before = mem::replace(since, now);
                    (before.is_some() && before != *since).then(|| Accident::Restarted(part.part.clone()))
                }
                Err(_) => None,
            }
        });
        join_all(looks).await.into_iter().flatten().collect()
    }

    /// The block that keeps Elasticsearch from taking records of the run.
    async fn block(&self) -> Option<String> {
        let (elasticsearch, indices) = self.logs.as_ref()?;
        Elastic::of(&self.docker, elasticsearch).await.ok()?.blocked(indices).await.ok()?
    }
}
