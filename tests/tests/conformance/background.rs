//! A session in a thread of its own, for stories in which the other side may block.

use crate::actor::{Actor, end};
use crate::stage::Stage;
use peerless_core::Event;
use peerless_runtime::{Session, Settings};
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::channel;
use std::thread::JoinHandle;

/// A session that seeds, in a thread.
pub(crate) struct Background {
    /// Where it listens.
    pub(crate) addr: SocketAddr,
    over: Arc<AtomicBool>,
    thread: JoinHandle<Vec<Event>>,
}

impl Background {
    /// Starts to seed the stage's source, and waits until the data is checked.
    pub(crate) fn seed<S: Session>(stage: &Stage, settings: Settings) -> Self {
        let over = Arc::new(AtomicBool::new(false));
        let (tell, told) = channel();
        let (stop, metainfo, source) = (over.clone(), stage.metainfo.clone(), stage.source.clone());
        let thread = std::thread::spawn(move || {
            let mut actor = Actor::<S>::with(settings, metainfo, source, crate::actor::seeding());
            while !actor.is_seeding() {
                assert_eq!(actor.failure(), None);
                actor.turn();
            }
            tell.send(actor.addr()).unwrap();
            while !stop.load(Ordering::Relaxed) {
                actor.turn();
            }
            let mut actors = [actor];
            end(&mut actors);
            let [actor] = actors;
            actor.events
        });
        let addr = told.recv().expect("the seed starts");
        Self { addr, over, thread }
    }

    /// Ends it, and gives what it told.
    pub(crate) fn end(self) -> Vec<Event> {
        self.over.store(true, Ordering::Relaxed);
        self.thread.join().expect("the seed ends in an orderly way")
    }
}
