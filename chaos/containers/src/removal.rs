//! Removes everything that carries a label. Nothing else ever removes a container, so nothing depends on a destructor.

use futures_util::future::join_all;
use testcontainers::bollard::{
    Docker,
    query_parameters::{
        InspectNetworkOptions, ListContainersOptionsBuilder, ListNetworksOptionsBuilder, ListVolumesOptionsBuilder,
        RemoveContainerOptionsBuilder, RemoveVolumeOptions,
    },
};

use crate::{Error, docker};

/// Runs a removal from a destructor: in a thread of its own, because this one may be inside a runtime, or in one that ends.
/// Says whether it succeeded.
pub(crate) fn outside<F>(removal: impl FnOnce(Docker) -> F + Send) -> bool
where
    F: Future<Output = Result<(), Error>>,
{
    let work = || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().ok()?;
        runtime.block_on(async { removal(docker::connect().await.ok()?).await.ok() })
    };
    matches!(std::thread::scope(|scope| scope.spawn(work).join()), Ok(Some(())))
}

/// After a start that was cut off: so many looks, a second altogether, must find nothing.
pub(crate) const CUT_OFF_LOOKS: u32 = 20;
/// So often the engine may refuse, because somebody else is removing the same thing.
const MOST_FAILURES: u32 = 20;

/// Removes the containers and the volumes of their images, then the network and the volumes with a label (`name=value`), until so many looks in a row found
/// nothing.
pub(crate) async fn remove(docker: &Docker, label: &str, looks: u32) -> Result<(), Error> {
    let filters = [("label", vec![label])].into_iter().collect();
    let (mut quiet, mut failures) = (0, 0);
    while quiet < looks {
        let all = ListContainersOptionsBuilder::new().all(true).filters(&filters).build();
        let containers: Vec<String> =
            docker.list_containers(Some(all)).await?.into_iter().filter_map(|container| container.id).collect();
        let force = RemoveContainerOptionsBuilder::new().force(true).v(true).build();
        join_all(containers.iter().map(|id| docker.remove_container(id, Some(force.clone())))).await;

        let listed = ListNetworksOptionsBuilder::new().filters(&filters).build();
        let networks: Vec<String> =
            docker.list_networks(Some(listed)).await?.into_iter().filter_map(|network| network.id).collect();
        let networks_failed =
            join_all(networks.iter().map(|id| docker.remove_network(id))).await.into_iter().find_map(Result::err);
        let volumes = volumes(docker, label).await?;
        let gone = volumes.iter().map(|name| docker.remove_volume(name, None::<RemoveVolumeOptions>));
        let last = join_all(gone).await.into_iter().find_map(Result::err).or(networks_failed);
        let nothing = containers.is_empty() && networks.is_empty() && volumes.is_empty();
        quiet = if nothing { quiet + 1 } else { 0 };
        if let Some(error) = last {
            failures += 1;
            if failures > MOST_FAILURES {
                let only_networks = containers.is_empty() && volumes.is_empty();
                let kept = if only_networks { empty(docker, &networks).await? } else { None };
                return Err(match kept {
                    Some(network) => Error::NetworkKept { network, source: error },
                    None => error.into(),
                });
            }
        }
        if quiet < looks {
            docker::pause().await;
        }
    }
    Ok(())
}

/// The name of one of these networks, if no container is in any of them.
async fn empty(docker: &Docker, networks: &[String]) -> Result<Option<String>, Error> {
    let mut name = None;
    for id in networks {
        let network = docker.inspect_network(id, None::<InspectNetworkOptions>).await?;
        if network.containers.is_some_and(|containers| !containers.is_empty()) {
            return Ok(None);
        }
        name = network.name;
    }
    Ok(name)
}

/// The names of the volumes with a label.
async fn volumes(docker: &Docker, label: &str) -> Result<Vec<String>, Error> {
    let filters = [("label", vec![label])].into_iter().collect();
    let listed = docker.list_volumes(Some(ListVolumesOptionsBuilder::new().filters(&filters).build())).await?;
    Ok(listed.volumes.unwrap_or_default().into_iter().map(|volume| volume.name).collect())
}
