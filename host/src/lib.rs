//! The host: owns the clock, the database, schedules, sessions and feeds.
//!
//! Does: compose the pure crates into a server and keep its parts alive.
//! Does not: run FFmpeg, parse its stderr, or show SQL to anybody.
//! Invariant: every task is spawned through [`lifecycle`], every wall time comes from [`clock`].

pub mod admission;
pub mod app;
pub mod backups;
pub mod chronicle;
pub mod cli;
pub mod clock;
pub mod config;
pub mod database;
pub mod doctor;
pub mod dossiers;
pub mod feed;
pub mod hardware;
pub mod healing;
pub mod http;
pub mod incidents;
pub mod library;
pub mod lifecycle;
pub mod logs;
pub mod loudness;
pub mod monitor;
pub mod patterns;
pub mod playout;
pub mod plugins;
pub mod portable;
pub mod service;
pub mod sessions;
pub mod watermarks;
pub mod worker;
