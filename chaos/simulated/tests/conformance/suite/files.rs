//! What the object store's port promises.

use bytes::Bytes;
use world::{World, files::FilesError};

pub(crate) async fn promises(world: &World) {
    an_object_comes_back_whole(world).await;
    an_object_is_replaced(world).await;
    an_empty_object_is_one(world).await;
    what_was_never_put_is_missing(world).await;
}

async fn an_object_comes_back_whole(world: &World) {
    // More than one read of a socket, and every byte there is.
    let model: Bytes = (0..3_000_000u32).map(|n| (n * 7 % 256) as u8).collect::<Vec<_>>().into();
    world.files.put("rings/large", model.clone()).await.unwrap();
    assert_eq!(world.files.size("rings/large").await, Ok(3_000_000));
    assert!(world.files.get("rings/large").await.unwrap() == model);
}

async fn an_object_is_replaced(world: &World) {
    for content in ["a first, longer draft", "solid ring"] {
        world.files.put("rings/o-1.1-1", Bytes::from_static(content.as_bytes())).await.unwrap();
        assert_eq!(world.files.get("rings/o-1.1-1").await, Ok(Bytes::from_static(content.as_bytes())));
        assert_eq!(world.files.size("rings/o-1.1-1").await, Ok(content.len() as u64));
    }
    world.files.put("rings/o-1.1-2", Bytes::from_static(b"another")).await.unwrap();
    assert_eq!(world.files.size("rings/o-1.1-1").await, Ok(10), "one key is not another");
}

async fn an_empty_object_is_one(world: &World) {
    world.files.put("rings/empty", Bytes::new()).await.unwrap();
    assert_eq!(world.files.size("rings/empty").await, Ok(0));
    assert_eq!(world.files.get("rings/empty").await, Ok(Bytes::new()));
}

/// Neither is what others begin with.
async fn what_was_never_put_is_missing(world: &World) {
    for key in ["rings/never", "rings", "rings/o-1.1", "..", "rings/../rings/empty", "/rings/empty", ""] {
        let missing = FilesError::Missing(key.to_owned());
        assert_eq!(world.files.get(key).await, Err(missing.clone()), "{key}");
        assert_eq!(world.files.size(key).await, Err(missing), "{key}");
    }
}
