//! A table of machines and channels, and what must hold for all of them.

use exstreamtv_model::FrameRate;

use super::*;

fn profile(width: u32, height: u32, rate: u32) -> OutputProfile {
    OutputProfile { width, height, frame_rate: FrameRate::new(rate, 1), ..OutputProfile::default() }
}

fn machine(cores: f64, gib: u64, open_files: u64) -> Capacity {
    let resources = Resources { cores, memory_bytes: gib << 30, open_files };
    Capacity { resources, ..Capacity::default() }
}

/// Returns how many such channels a machine takes, and what the next one lacks.
fn fitting(capacity: &Capacity, cost: &Cost) -> (usize, Shortage) {
    let mut on_air = Vec::new();
    loop {
        match admit(capacity, on_air.iter(), cost) {
            Ok(()) => on_air.push(cost.clone()),
            Err(shortage) => return (on_air.len(), shortage),
        }
        assert!(on_air.len() < 100_000, "it never ends");
    }
}

#[test]
fn machines_take_what_fits_and_say_what_they_lack() {
    let hd = Experience::default().cost(&profile(1280, 720, 30), None);
    let small = Experience::default().cost(&profile(320, 180, 25), None);
    for (capacity, cost, expected) in [
        (machine(2.0, 8, 65_536), &hd, (4, Shortage::Cores)),
        (machine(16.0, 64, 65_536), &hd, (37, Shortage::Cores)),
        (machine(64.0, 2, 65_536), &hd, (8, Shortage::Memory)),
        (machine(64.0, 64, 100), &hd, (6, Shortage::OpenFiles)),
        (machine(2.0, 8, 65_536), &small, (63, Shortage::Cores)),
        (machine(0.1, 0, 0), &hd, (1, Shortage::Cores)),
        (Capacity { channels: Some(3), ..machine(0.1, 0, 0) }, &hd, (3, Shortage::Channels)),
    ] {
        assert_eq!(fitting(&capacity, cost), expected, "{capacity:?}");
    }
}

#[test]
fn a_card_has_as_many_sessions_as_it_says_and_an_unknown_one_as_many_as_are_wanted() {
    let on = |card: &str| Experience::default().cost(&profile(1280, 720, 30), Some(card.into()));
    let sessions = [("nvidia0".to_owned(), 3)].into();
    let capacity = Capacity { hardware_sessions: sessions, ..machine(1_000.0, 1_000, 1_000_000) };
    assert_eq!(fitting(&capacity, &on("nvidia0")), (3, Shortage::HardwareSessions));
    assert_eq!(fitting(&capacity, &on("renderD128")).1, Shortage::Memory);
    let full = vec![on("nvidia0"); 3];
    assert_eq!(admit(&capacity, full.iter(), &on("renderD128")), Ok(()), "the other card is free");
}

/// A small generator, so that the same machines are tried every time.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % sides
    }

    fn cost(&mut self) -> Cost {
        let card = ["a", "b"].get(usize::try_from(self.roll(4)).unwrap()).map(|card| (*card).to_owned());
        let size = u32::try_from(self.roll(8) + 1).unwrap();
        Experience::default().cost(&profile(size * 320, size * 180, 25), card)
    }

    fn capacity(&mut self) -> Capacity {
        let card = |card: &str, dice: &mut Self| (card.to_owned(), u32::try_from(dice.roll(6)).unwrap());
        let hardware_sessions = [card("a", self), card("b", self)].into();
        let cores = self.roll(80) as f64 / 10.0;
        let channels = (self.roll(5) == 0).then(|| u32::try_from(self.roll(9)).unwrap());
        Capacity { hardware_sessions, channels, ..machine(cores, self.roll(16), self.roll(300)) }
    }

    fn more(&mut self, capacity: &Capacity) -> Capacity {
        let mut more = capacity.clone();
        let cores = self.roll(30) as f64 / 10.0;
        more.resources.cores += cores;
        more.resources.memory_bytes += self.roll(4) << 30;
        more.resources.open_files += self.roll(100);
        more.hardware_sessions.values_mut().for_each(|sessions| *sessions += 1);
        more.channels = more.channels.map(|channels| channels + 1);
        more
    }
}

#[test]
fn more_capacity_never_refuses_what_less_admits() {
    let mut admitted = 0;
    for seed in 0..4_096 {
        let mut dice = Dice(seed);
        let on_air: Vec<Cost> = (0..dice.roll(12)).map(|_| dice.cost()).collect();
        let (capacity, wanted) = (dice.capacity(), dice.cost());
        let more = dice.more(&capacity);
        if admit(&capacity, on_air.iter(), &wanted).is_ok() {
            admitted += 1;
            assert_eq!(admit(&more, on_air.iter(), &wanted), Ok(()), "{capacity:?} and {more:?}");
        }
        // And what is on air takes, it does not give.
        if let Some((_, fewer)) = on_air.split_first()
            && admit(&capacity, on_air.iter(), &wanted).is_ok()
        {
            assert_eq!(admit(&capacity, fewer.iter(), &wanted), Ok(()));
        }
        assert_eq!(admit(&capacity, [].iter(), &wanted), Ok(()), "the first one always fits");
    }
    assert!((400..3_700).contains(&admitted), "{admitted} of 4096: the dice are no good");
}

#[test]
fn channels_teach_what_they_cost_within_bounds() {
    let mut experience = Experience::default();
    let hd = profile(1280, 720, 30);
    let cores = |experience: &Experience| experience.cost(&hd, None).resources.cores;
    let before = cores(&experience);
    let vitals = |cpu_percent, rss_bytes| Vitals { cpu_percent, rss_bytes, runs: 1 };
    for _ in 0..100 {
        experience.learn(&hd, &vitals(80.0, 300 << 20));
    }
    assert!((cores(&experience) - 0.8).abs() < 0.01, "{}", cores(&experience));
    for _ in 0..100 {
        experience.learn(&hd, &vitals(1e9, u64::MAX));
    }
    assert!(cores(&experience) < 4.1 * before);
    for _ in 0..100 {
        experience.learn(&hd, &vitals(0.0, 0));
    }
    assert!(cores(&experience) > before / 4.1);
    experience.learn(&hd, &vitals(f32::NAN, 0));
    assert!(cores(&experience).is_finite());
}

fn applicant(channel: i64) -> Applicant {
    Applicant { channel: ChannelId(channel), profile: profile(1280, 720, 30), card: None }
}

#[test]
fn whoever_waits_longest_is_next() {
    let one = Capacity { channels: Some(1), ..Capacity::default() };
    let mut table = Table::default();
    let [first, second, third] = [(); 3].map(|()| table.ticket());
    assert_eq!(table.enter(first, &applicant(1), &one, 0), Ok(()));
    assert_eq!(table.enter(first, &applicant(1), &one, 0), Ok(()), "it is in already");
    for (ticket, channel) in [(second, 2), (third, 3)] {
        assert!(table.enter(ticket, &applicant(channel), &one, 0).is_err());
        table.wait(ticket, ChannelId(channel));
    }
    table.leave(first);
    assert_eq!(table.enter(third, &applicant(3), &one, 0), Err(Shortage::Queue));
    assert_eq!(table.enter(second, &applicant(2), &one, 0), Ok(()));
    assert_eq!(table.enter(third, &applicant(3), &one, 0), Err(Shortage::Channels));
    // One that gives up does not block those behind it.
    let fourth = table.ticket();
    table.wait(fourth, ChannelId(4));
    table.leave(third);
    table.leave(second);
    assert_eq!(table.enter(fourth, &applicant(4), &one, 0), Ok(()));
    assert_eq!((table.waiting().count(), table.on_air().count()), (0, 1));
}

#[test]
fn the_burst_of_a_cold_channel_teaches_nothing() {
    let (mut table, capacity) = (Table::default(), Capacity { channels: Some(1), ..Capacity::default() });
    let ticket = table.ticket();
    table.enter(ticket, &applicant(1), &capacity, 0).unwrap();
    assert!(table.begin(ticket, 1, 1_000));
    let vitals = Vitals { cpu_percent: 400.0, rss_bytes: 500 << 20, runs: 1 };
    table.measured(ticket, vitals, 5_000);
    assert_eq!(table.experience(), Experience::default());
    assert_eq!(table.memory_bytes(), 500 << 20);
    table.measured(ticket, vitals, 40_000);
    assert!(table.experience().cores_per_megapixel_s > Experience::default().cores_per_megapixel_s);
    table.measured(999, vitals, 40_000);
}

/// A table with so many channels that have a place.
fn placed(channels: i64) -> (Table, Vec<Ticket>) {
    let (mut table, many) = (Table::default(), Capacity { channels: Some(u32::MAX), ..Capacity::default() });
    let enter = |channel| {
        let ticket = table.ticket();
        table.enter(ticket, &applicant(channel), &many, 0).unwrap();
        ticket
    };
    let tickets = (1..=channels).map(enter).collect();
    (table, tickets)
}

#[test]
fn cold_channels_begin_one_after_another_in_the_order_of_coming() {
    let (mut table, tickets) = placed(4);
    let [first, second, third, fourth] = tickets[..] else { panic!("{tickets:?}") };
    assert!(!table.begin(second, 2, 0), "the first one is asked first");
    assert!(table.begin(first, 2, 0) && table.begin(second, 2, 0));
    assert!(!table.begin(third, 2, 0) && !table.begin(fourth, 2, 0));
    assert!(table.begin(first, 2, 0), "it begins already");
    table.caught_up(second);
    assert!(!table.begin(fourth, 2, 0) && table.begin(third, 2, 0));
    // One that gives up or goes off air lets the next one begin.
    table.leave(first);
    assert!(table.begin(fourth, 2, 0) && table.begin(second, 0, 0));
    assert!(!table.begin(999, 2, 0), "without a place there is no turn");
}

#[test]
fn a_channel_that_never_catches_up_keeps_nobody_from_beginning() {
    let (mut table, tickets) = placed(2);
    assert!(table.begin(tickets[0], 1, 1_000) && !table.begin(tickets[1], 1, 1_000));
    assert!(!table.begin(tickets[1], 1, 10_999));
    assert!(table.begin(tickets[1], 1, 11_000));
}
