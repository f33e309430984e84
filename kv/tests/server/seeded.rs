//! The whole server in seeded runs: clients over a network that cuts and resets, stores that crash, a disk
//! that is slow and fails, power that is lost; and for each key, everything that clients were told must have
//! happened in some order.

mod history;
mod client;

use client::{Client, KEYS};
use history::{History, Told, check_key};
use std::error::Error;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tina_engine::io::{IoChoice, NetworkFaults, Ratio};
use tina_engine::runtime::{Child, KindLimits, Specification, Strategy, SupervisorSpec};
use tina_engine::seeded::{Exercised, Faults, Plan, Trial, check};
use tina_kv::{Durability, Limits, LogFiles, Server};

/// Answers that clients had, in all runs.
static TOLD: AtomicUsize = AtomicUsize::new(0);

const ADDRESS: &str = "10.0.0.1:6379";

const LIMITS: Limits = Limits {
    connections: 8,
    keys: 64,
    store_bytes: 64 << 10,
    value_bytes: 4 << 10,
    long_commands: 2,
    idle: None,
    patience: Duration::from_secs(5),
};

fn address() -> SocketAddr {
    ADDRESS.parse().unwrap()
}

/// A server that logs everything before it answers, and clients on every shard.
fn server(shards: usize) -> Server {
    let files = LogFiles {
        path: PathBuf::from("no-such-folder/kv"),
        durability: Durability::Always,
    };
    Server::new(shards, LIMITS, Some(&files), (1_700_000_000_000, 1)).unwrap()
}

fn specification(trial: &Trial, server: &Server, history: &Arc<Mutex<History>>) -> Specification {
    let limits = KindLimits {
        operations: 2,
        timers: 1,
        ..KindLimits::slots(2)
    };
    let mut clients = SupervisorSpec::new("clients", Strategy::OneForOne)
        .budget(1_000_000, Duration::from_secs(1))
        .backoff(Duration::from_micros(100), Duration::from_millis(20));
    for _ in 0..2 {
        clients = clients.child(Child::new::<Client>((address(), history.clone())));
    }
    let specification = Specification::new(trial.shard_count()).seed(trial.seed());
    server
        .install(specification, IoChoice::Auto)
        .kind::<Client>(limits)
        .tree(clients)
}

/// Serves until some time has passed and every shard listens.
fn open(trial: &mut Trial, server: &Server) {
    // A listener that has just crashed, or a store that cannot read its log now, may do so later.
    for _ in 0..20 {
        if server.open(&mut **trial, address()).is_ok() {
            return;
        }
    }
}

fn scenario(trial: &mut Trial) -> Result<(), Box<dyn Error>> {
    let history = Arc::new(Mutex::new(History::default()));
    let first = server(trial.shard_count());
    trial.boot(specification(trial, &first, &history))?;
    open(trial, &first);
    trial.run_for(Duration::from_millis(60))?;
    if trial.seed().is_multiple_of(2) {
        let second = server(trial.shard_count());
        let specification = specification(trial, &second, &history);
        trial.lose_power(specification)?;
        open(trial, &second);
        trial.run_for(Duration::from_millis(60))?;
    }
    trial.calm();
    for shard in 0..trial.shard_count() {
        trial.revive(shard);
    }
    let history = history.lock().unwrap();
    let told = history.entries.iter().filter(|it| it.told != Told::Nothing);
    TOLD.fetch_add(told.count(), Ordering::Relaxed);
    for key in 0..KEYS {
        check_key(&history, key)?;
    }
    Ok(())
}

fn faults() -> Faults {
    let mut faults = Faults {
        crash: Ratio::one_in(1_500),
        // Clients on different shards note times, which are compared.
        skew_micros: 0,
        ..Faults::interleaving()
    };
    faults.world.network = NetworkFaults {
        partial: Ratio::one_in(4),
        reset: Ratio::one_in(150),
        refuse: Ratio::one_in(20),
        ..NetworkFaults::default()
    };
    faults.world.disk.slow = Ratio::one_in(40);
    faults.world.disk.error = Ratio::one_in(500);
    faults.world.disk.partial = Ratio::one_in(10);
    faults
}

fn run(seeds: u64, faults: Faults) -> Exercised {
    let plan = Plan::new("key-value store")
        .seeds(0..seeds)
        .shards(1..=3)
        .faults(faults);
    check(&plan, scenario)
}

#[test]
fn what_clients_are_told_happened_in_some_order() {
    let exercised = run(24, faults());
    let told = TOLD.load(Ordering::Relaxed);
    assert!(told > 1_000, "only {told} answers");
    let world = exercised.world;
    for (what, count) in [
        ("connections", world.connection_count),
        ("resets", world.reset_count),
        ("crashes", exercised.crashes),
        ("torn writes", world.torn_count),
        ("disk errors", world.disk_error_count),
    ] {
        assert!(count > 0, "no {what} in {exercised:?}");
    }
}

#[test]
fn a_disk_that_lies_is_found_out() {
    let mut faults = faults();
    faults.world.disk.lost_sync = Ratio::one_in(2);
    let lied = std::panic::catch_unwind(|| run(40, faults));
    let payload = lied.expect_err("what was acknowledged is lost somewhere");
    let text = payload.downcast_ref::<String>().expect("a text");
    assert!(text.contains("in no order"), "{text}");
}
