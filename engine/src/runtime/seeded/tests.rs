//! Seeded runs of isolates that talk, under all faults: accounts add up, calls end, nothing is lost without
//! a word, and what is planted is found.

mod gossip;
mod sockets;
mod disk;

use super::*;
use crate::io::Ratio;

#[test]
fn faults_are_written_and_read_again() {
    let faults = Faults::harsh().until_turn(77);
    let text = ron::to_string(&faults).unwrap();
    assert_eq!(ron::from_str::<Faults>(&text).unwrap(), faults);
    let none = ron::to_string(&Faults::none()).unwrap();
    assert!(!none.contains("crash:"), "{none}");
    let error = ron::from_str::<Faults>("(crash: \"3/2\")").unwrap_err();
    let expected = "\"3/2\" is no ratio: expected two whole numbers as in \"1/100\", the first at most the second";
    assert!(error.to_string().contains(expected), "{error}");
    assert!(ron::from_str::<Faults>("(crush: \"1/2\")").is_err());
}

#[test]
fn a_swarm_leaves_kinds_of_faults_out() {
    let mut random = crate::random::Random::keyed(1, 2, 3);
    let count = |mut faults: Faults| {
        let kinds = faults.kinds();
        kinds.iter().filter(|(_, ratio)| !ratio.is_never()).count()
    };
    let all = count(Faults::harsh());
    let counts: Vec<usize> = (0..50)
        .map(|_| count(Faults::harsh().swarm(&mut random)))
        .collect();
    assert!(counts.iter().all(|&count| count <= all));
    assert!(counts.iter().any(|&count| count < all / 2));
    assert!(counts.iter().any(|&count| count > all / 2));
}

#[test]
fn ratios_are_drawn_as_often_as_they_say() {
    let mut random = crate::random::Random::keyed(1, 1, 1);
    let ratio = Ratio::one_in(10);
    let count = (0..10_000).filter(|_| ratio.draw(&mut random)).count();
    assert!((850..1150).contains(&count), "{count}");
    assert!(!(0..1000).any(|_| Ratio::NEVER.draw(&mut random)));
}
