//! From folders to channels: what happens between the start and the first picture.
//!
//! Does: show how far the first scan is, make the first channels, say what to paste into a player; later, tell the
//! planner when the library changed.
//! Does not: scan or plan.
//! Invariant: addresses are printed only once they lead somewhere.

use std::path::PathBuf;

use exstreamtv_store::Store;
use indicatif::{ProgressBar, ProgressStyle};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::{
    declared::Declared,
    first_channels::{self, Defaults},
};
use crate::{library::Library, playout::Playouts};

/// The task.
pub struct FirstScan {
    /// The database.
    pub store: Store,
    /// The media folders.
    pub roots: Vec<PathBuf>,
    /// The library.
    pub library: Library,
    /// The timelines.
    pub playouts: Playouts,
    /// What the configuration declares.
    pub declared: watch::Receiver<Declared>,
    /// What new channels have in common.
    pub defaults: Defaults,
    /// What addresses begin with.
    pub address: String,
    /// Whether somebody watches.
    pub terminal: bool,
}

impl FirstScan {
    /// Waits for the first scan, makes channels, then follows the library until the host stops.
    pub async fn run(self, stopping: CancellationToken) {
        tokio::select! {
            () = stopping.cancelled() => {}
            () = self.follow() => {}
        }
    }

    async fn follow(self) {
        let mut changes = self.library.changes();
        changes.mark_unchanged();
        if !self.roots.is_empty() {
            self.watch_first_scan().await;
        }
        self.take_in().await;
        self.print_addresses().await;
        while changes.changed().await.is_ok() {
            self.take_in().await;
        }
    }

    async fn watch_first_scan(&self) {
        let bar = if self.terminal { progress_bar() } else { ProgressBar::hidden() };
        let mut status = self.library.status();
        loop {
            {
                let scan = status.borrow_and_update();
                bar.set_length(scan.found);
                bar.set_position(scan.done());
                if let Some(name) = scan.current.as_deref().and_then(|path| path.file_name()) {
                    bar.set_message(name.to_string_lossy().into_owned());
                }
                if scan.completed_scans > 0 && !scan.scanning {
                    tracing::info!(files = scan.found, probed = scan.probed, broken = scan.broken, "library scanned");
                    break;
                }
            }
            if status.changed().await.is_err() {
                break;
            }
        }
        bar.finish_and_clear();
    }

    /// Lets channels see what the library holds now.
    async fn take_in(&self) {
        // Bound first: a borrowed watch must not wait for the database.
        let declared = self.declared.borrow().clone();
        if let Err(error) = declared.apply_collections(&self.store).await {
            tracing::error!(error = &error as &dyn std::error::Error, "declared collections could not be filled");
        }
        self.make_channels().await;
        self.playouts.library_changed();
    }

    async fn make_channels(&self) {
        match first_channels::make(&self.store, &self.roots, &self.defaults).await {
            Ok(0) => {}
            Ok(count) => tracing::info!(count, "channels made from folders"),
            Err(error) => tracing::error!(error = &error as &dyn std::error::Error, "channels could not be made"),
        }
    }

    async fn print_addresses(&self) {
        let address = &self.address;
        let channels = self.store.channels().list().await.unwrap_or_default();
        let Some(first) = channels.iter().find(|channel| channel.enabled) else {
            println!("no channel yet: add media with --media DIR, or channels at {address}/");
            return;
        };
        println!("\nPaste into a player:");
        println!("  M3U      {address}/iptv/channels.m3u");
        println!("  XMLTV    {address}/iptv/xmltv.xml");
        println!("  Channel  {address}/iptv/channel/{}.ts   ({})", first.number, first.name);
    }
}

fn progress_bar() -> ProgressBar {
    let style = ProgressStyle::with_template("scanning {bar:30} {pos}/{len} {wide_msg}");
    ProgressBar::new(0).with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
}
