use std::fmt::Write as _;

use super::*;

const CALLS: [Call; 5] = [
    Call::Identity,
    Call::Create,
    Call::Status,
    Call::RowsFile,
    Call::Describe,
];

fn short(verdict: Verdict) -> String {
    match verdict {
        Verdict::Retry { retries } => format!("Retry {retries}"),
        Verdict::GiveUp(kind) => format!("GiveUp {kind:?}"),
        other => format!("{other:?}"),
    }
}

fn row(table: &mut String, name: &str, seen: Seen) {
    let _ = write!(table, "{name:<24}");
    for call in CALLS {
        let _ = write!(table, "{:<18}", short(verdict(call, seen)));
    }
    end_line(table);
}

fn end_line(table: &mut String) {
    let end = table.trim_end().len();
    table.truncate(end);
    table.push('\n');
}

/// The verdicts on everything that is known to come back, a line each.
fn table() -> String {
    let mut table = format!("{:<24}", "seen");
    for call in CALLS {
        let _ = write!(table, "{:<18}", format!("{call:?}"));
    }
    end_line(&mut table);
    for fault in [Fault::Dns, Fault::Tls, Fault::Unreached, Fault::Lost] {
        row(&mut table, &format!("{fault:?}"), Seen::Fault(fault));
    }
    let answer = |http, body| Seen::Answer { http, body };
    row(&mut table, "200", answer(200, Body::Good));
    row(&mut table, "200 garbage", answer(200, Body::Garbage));
    row(&mut table, "200 no code", answer(200, Body::Refusal(None)));
    for http in [
        301, 400, 401, 403, 404, 408, 413, 414, 429, 500, 502, 503, 504,
    ] {
        row(
            &mut table,
            &format!("HTTP {http}"),
            answer(http, Body::Garbage),
        );
    }
    row(
        &mut table,
        "HTTP 500, no code",
        answer(500, Body::Refusal(None)),
    );
    row(
        &mut table,
        "HTTP 503, 606",
        answer(503, Body::Refusal(Some(606))),
    );
    let codes = [413, 500, 502, 503]
        .into_iter()
        .chain(601..=616)
        .chain([
            700, 701, 702, 703, 704, 709, 710, 711, 712, 713, 714, 718, 719,
        ])
        .chain(1001..=1029)
        .chain([1035, 1036, 1037, 1042, 1048, 1049, 1076, 1079, 1080, 9999]);
    for code in codes {
        row(
            &mut table,
            &code.to_string(),
            answer(200, Body::Refusal(Some(code))),
        );
    }
    table
}

proptest::proptest! {
    /// Only a create can leave open what became of it, and does so after every
    /// answer that proves nothing.
    #[test]
    fn what_proves_nothing_leaves_a_create_and_only_that_unknown(http in 100u16..600, code in proptest::option::of(0i64..2000)) {
        for call in CALLS {
            for body in [Body::Good, Body::Garbage, Body::Refusal(code)] {
                let verdict = verdict(call, Seen::Answer { http, body });
                proptest::prop_assert!(verdict != Verdict::Unknown || call == Call::Create);
                let proves_nothing = body == Body::Garbage && matches!(http, 200..=299 | 500..=599);
                proptest::prop_assert!(!(proves_nothing && call == Call::Create) || verdict == Verdict::Unknown);
                let done = verdict == Verdict::Done;
                proptest::prop_assert_eq!(done, body == Body::Good && (200..300).contains(&http));
            }
        }
    }
}

#[test]
fn the_whole_table() {
    insta::assert_snapshot!(table(), @r##"
seen                    Identity          Create            Status            RowsFile          Describe
Dns                     Retry 4           Retry 4           Retry 4           Retry 4           Retry 4
Tls                     Retry 2           Retry 2           Retry 2           Retry 2           Retry 2
Unreached               Retry 8           Retry 8           Retry 8           Retry 8           Retry 8
Lost                    Retry 8           Unknown           Retry 8           Retry 8           Retry 8
200                     Done              Done              Done              Done              Done
200 garbage             Retry 8           Unknown           Retry 8           Retry 8           Retry 8
200 no code             Retry 4           Retry 4           Retry 4           Retry 4           Retry 4
HTTP 301                GiveUp Usage      GiveUp Usage      GiveUp Usage      GiveUp Usage      GiveUp Usage
HTTP 400                GiveUp Auth       GiveUp Refused    GiveUp Refused    GiveUp Refused    GiveUp Refused
HTTP 401                GiveUp Auth       Reauthenticate    Reauthenticate    Reauthenticate    Reauthenticate
HTTP 403                GiveUp Auth       GiveUp Auth       GiveUp Auth       GiveUp Auth       GiveUp Auth
HTTP 404                GiveUp Usage      GiveUp Refused    GiveUp Refused    NoFile            GiveUp Refused
HTTP 408                Retry 8           Unknown           Retry 8           Retry 8           Retry 8
HTTP 413                GiveUp Refused    Split             GiveUp Refused    GiveUp Refused    GiveUp Refused
HTTP 414                GiveUp Usage      GiveUp Usage      GiveUp Usage      GiveUp Usage      GiveUp Usage
HTTP 429                WaitForWindow     WaitForWindow     WaitForWindow     WaitForWindow     WaitForWindow
HTTP 500                Retry 8           Unknown           Retry 8           Retry 8           Retry 8
HTTP 502                Retry 8           Unknown           Retry 8           Retry 8           Retry 8
HTTP 503                Retry 8           Unknown           Retry 8           Retry 8           Retry 8
HTTP 504                Retry 8           Unknown           Retry 8           Retry 8           Retry 8
HTTP 500, no code       Retry 8           Unknown           Retry 8           Retry 8           Retry 8
HTTP 503, 606           WaitForWindow     WaitForWindow     WaitForWindow     WaitForWindow     WaitForWindow
413                     GiveUp Refused    Split             GiveUp Refused    GiveUp Refused    GiveUp Refused
500                     Retry 4           Unknown           Retry 4           Retry 4           Retry 4
502                     Retry 8           Unknown           Retry 8           Retry 8           Retry 8
503                     Retry 8           Retry 8           Retry 8           Retry 8           Retry 8
601                     Reauthenticate    Reauthenticate    Reauthenticate    Reauthenticate    Reauthenticate
602                     Reauthenticate    Reauthenticate    Reauthenticate    Reauthenticate    Reauthenticate
603                     GiveUp Auth       GiveUp Auth       GiveUp Auth       GiveUp Auth       GiveUp Auth
604                     Retry 8           Unknown           Retry 8           Retry 8           Retry 8
605                     GiveUp Refused    GiveUp Refused    GiveUp Refused    GiveUp Refused    GiveUp Refused
606                     WaitForWindow     WaitForWindow     WaitForWindow     WaitForWindow     WaitForWindow
607                     WaitForQuota      WaitForQuota      WaitForQuota      WaitForQuota      WaitForQuota
608                     Retry 8           Retry 8           Retry 8           Retry 8           Retry 8
609                     GiveUp Refused    GiveUp Refused    GiveUp Refused    GiveUp Refused    GiveUp Refused
610                     GiveUp Refused    GiveUp Refused    GiveUp Refused    GiveUp Refused    GiveUp Refused
611                     Retry 4           Unknown           Retry 4           Retry 4           Retry 4
612                     GiveUp Refused    GiveUp Refused    GiveUp Refused    GiveUp Refused    GiveUp Refused
613                     GiveUp Refused    GiveUp Refused    GiveUp Refused    GiveUp Refused    GiveUp Refused
614                     Retry 4           Retry 4           Retry 4           Retry 4           Retry 4
615                     WaitForCalls      WaitForCalls      WaitForCalls      WaitForCalls      WaitForCalls
616                     GiveUp Refused    GiveUp Refused    GiveUp Refused    GiveUp Refused    GiveUp Refused
700                     Retry 4           Retry 4           Retry 4           Retry 4           Retry 4
701                     GiveUp Refused    GiveUp Refused    GiveUp Refused    GiveUp Refused    GiveUp Refused
702                     GiveUp Refused    GiveUp Refused    GiveUp Refused    NoFile            GiveUp Refused
703                     GiveUp Refused    GiveUp Refused    GiveUp Refused    GiveUp Refused    GiveUp Refused
704                     GiveUp Refused    GiveUp Refused    GiveUp Refused    GiveUp Refused    GiveUp Refused
709                     GiveUp Refused    GiveUp Refused    GiveUp Refused    GiveUp Refused    GiveUp Refused
710                     GiveUp Refused    GiveUp Refused    GiveUp Refused    GiveUp Refused    GiveUp Refused
711                     GiveUp Refused    GiveUp Refused    GiveUp Refused    GiveUp Refused    GiveUp Refused
712                     GiveUp Refused    GiveUp Refused    GiveUp Refused    GiveUp Refused    GiveUp Refused
713                     Retry 8           Retry 8           Retry 8           Retry 8           Retry 8
714                     GiveUp Refused    GiveUp Refused    GiveUp Refused    GiveUp Refused    GiveUp Refused
718                     GiveUp Refused    GiveUp Refused    GiveUp Refused    GiveUp Refused    GiveUp Refused
719                     Retry 8           Retry 8           Retry 8           Retry 8           Retry 8
1001                    GiveUp Refused    GiveUp Refused    GiveUp Refused    GiveUp Refused    GiveUp Refused
1002                    GiveUp Refused    GiveUp Refused    GiveUp Refused    GiveUp Refused    GiveUp Refused
1003                    GiveUp Refused    GiveUp Refused    GiveUp Refused    GiveUp Refused    GiveUp Refused
1004                    GiveUp Refused    GiveUp Refused    GiveUp Refused    GiveUp Refused    GiveUp Refused
1005                    GiveUp Refused    GiveUp Refused    GiveUp Refused    GiveUp Refused    GiveUp Refused
1006                    GiveUp Refused    GiveUp Refused    GiveUp Refused    GiveUp Refused    GiveUp Refused
1007                    GiveUp Refused    GiveUp Refused    GiveUp Refused    GiveUp Refused    GiveUp Refused
1008                    GiveUp Auth       GiveUp Auth       GiveUp Auth       GiveUp Auth       GiveUp Auth
1009                    GiveUp Refused    GiveUp Refused    GiveUp Refused    GiveUp Refused    GiveUp Refused
1010                    GiveUp Refused    GiveUp Refused    GiveUp Refused    GiveUp Refused    GiveUp Refused
1011                    GiveUp Refused    GiveUp Refused    GiveUp Refused    GiveUp Refused    GiveUp Refused
1012                    Retry 4           Retry 4           Retry 4           Retry 4           Retry 4
1013                    GiveUp Refused    GiveUp Refused    GiveUp Refused    GiveUp Refused    GiveUp Refused
1014                    GiveUp Refused    GiveUp Refused    GiveUp Refused    GiveUp Refused    GiveUp Refused
1015                    GiveUp Refused    GiveUp Refused    GiveUp Refused    GiveUp Refused    GiveUp Refused
1016                    WaitForSlot       WaitForSlot       WaitForSlot       WaitForSlot       WaitForSlot
1017                    GiveUp Refused    GiveUp Refused    GiveUp Refused    GiveUp Refused    GiveUp Refused
1018                    GiveUp Refused    GiveUp Refused    GiveUp Refused    GiveUp Refused    GiveUp Refused
1019                    WaitForList       WaitForList       WaitForList       WaitForList       WaitForList
1020                    GiveUp Refused    GiveUp Refused    GiveUp Refused    GiveUp Refused    GiveUp Refused
1021                    GiveUp Refused    GiveUp Refused    GiveUp Refused    GiveUp Refused    GiveUp Refused
1022                    Retry 8           Retry 8           Retry 8           Retry 8           Retry 8
1023                    Retry 4           Retry 4           Retry 4           Retry 4           Retry 4
1024                    Retry 4           Retry 4           Retry 4           Retry 4           Retry 4
1025                    GiveUp Refused    GiveUp Refused    GiveUp Refused    GiveUp Refused    GiveUp Refused
1026                    GiveUp Refused    GiveUp Refused    GiveUp Refused    GiveUp Refused    GiveUp Refused
1027                    GiveUp Refused    GiveUp Refused    GiveUp Refused    GiveUp Refused    GiveUp Refused
1028                    GiveUp Refused    GiveUp Refused    GiveUp Refused    GiveUp Refused    GiveUp Refused
1029                    Retry 8           Retry 8           Retry 8           Retry 8           Retry 8
1035                    GiveUp Refused    GiveUp Refused    GiveUp Refused    GiveUp Refused    GiveUp Refused
1036                    GiveUp Refused    GiveUp Refused    GiveUp Refused    GiveUp Refused    GiveUp Refused
1037                    GiveUp Refused    GiveUp Refused    GiveUp Refused    GiveUp Refused    GiveUp Refused
1042                    GiveUp Refused    GiveUp Refused    GiveUp Refused    GiveUp Refused    GiveUp Refused
1048                    GiveUp Refused    GiveUp Refused    GiveUp Refused    GiveUp Refused    GiveUp Refused
1049                    GiveUp Refused    GiveUp Refused    GiveUp Refused    GiveUp Refused    GiveUp Refused
1076                    GiveUp Refused    GiveUp Refused    GiveUp Refused    GiveUp Refused    GiveUp Refused
1079                    GiveUp Refused    GiveUp Refused    GiveUp Refused    GiveUp Refused    GiveUp Refused
1080                    Retry 4           Retry 4           Retry 4           Retry 4           Retry 4
9999                    Retry 4           Retry 4           Retry 4           Retry 4           Retry 4
"##);
}
