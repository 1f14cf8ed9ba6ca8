//! Laws of the model of time. It is told the time, so no clock is needed.

use proptest::prelude::*;
use tokio::time::Instant;

use super::*;
use crate::sandbox::Settings;

fn rows(accepted: u64) -> Outcome {
    Outcome {
        accepted,
        ..Outcome::default()
    }
}

#[test]
fn numbers_grow_while_a_job_runs_and_the_next_waits_for_a_slot() {
    let settings = Settings {
        rows_per_second: Some(10),
        running_jobs: 1,
        ..Settings::default()
    };
    let now = Instant::now();
    let mut jobs = Jobs::new(&settings, now);
    let custom = Object::Custom("car_c".to_owned());
    for _ in 0..2 {
        jobs.take(custom.clone(), None, rows(100), End::Complete, now)
            .unwrap();
    }
    let now = now + Duration::from_secs(4);
    let states = || {
        jobs.all()
            .iter()
            .map(|job| job.state(now))
            .collect::<Vec<_>>()
    };
    assert_eq!(states(), [JobState::Importing, JobState::Queued]);
    let answer = jobs.all()[0].status(None, now);
    assert_eq!(answer["numOfObjectsProcessed"], 40);
    assert!(answer.get("message").is_none());
    let now = now + Duration::from_secs(6);
    assert_eq!(jobs.all()[0].state(now), JobState::Complete);
    assert_eq!(
        jobs.all()[0].status(None, now)["importTime"],
        "10 second(s)"
    );
    assert_eq!(jobs.all()[1].state(now), JobState::Importing);
}

#[test]
fn a_stuck_job_keeps_its_slot_and_the_others_go_on() {
    let now = Instant::now();
    let mut jobs = Jobs::new(&Settings::default(), now);
    jobs.take(Object::Leads, None, rows(1), End::Never, now)
        .unwrap();
    jobs.take(Object::Leads, None, rows(1), End::Complete, now)
        .unwrap();
    jobs.take(Object::Leads, None, rows(1), End::Failed, now)
        .unwrap();
    let now = now + Duration::from_secs(1_000_000);
    let states: Vec<JobState> = jobs.all().iter().map(|job| job.state(now)).collect();
    assert_eq!(
        states,
        [JobState::Importing, JobState::Complete, JobState::Failed]
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Never more jobs at once than slots, never more in the queue than it
    /// holds, started in the order taken.
    #[test]
    fn the_queue_keeps_its_limits(
        sizes in prop::collection::vec((0_u64..50, 0_u64..4), 1..40),
        slots in 1_usize..4,
        queue in 1_usize..8,
    ) {
        let settings = Settings {
            rows_per_second: Some(10),
            running_jobs: slots,
            queued_jobs: queue,
            ..Settings::default()
        };
        let mut now = Instant::now();
        let mut jobs = Jobs::new(&settings, now);
        for (size, pause) in sizes {
            now += Duration::from_secs(pause);
            let live = jobs.all().iter().filter(|job| job.is_live(now)).count();
            let taken = jobs.take(Object::Leads, None, rows(size), End::Complete, now);
            prop_assert_eq!(taken.is_ok(), live < queue);
        }
        prop_assert!(jobs.most_in_flight() <= queue);
        prop_assert!(jobs.all().is_sorted_by_key(|job| job.start));
        for at in jobs.all().iter().filter_map(|job| job.start) {
            let running = jobs.all().iter().filter(|job| job.state(at) == JobState::Importing);
            prop_assert!(running.count() <= slots);
        }
    }
}
