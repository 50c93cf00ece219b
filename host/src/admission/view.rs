//! Places on air as the API shows them.

use exstreamtv_core::admission::{Capacity, Place, Resources, Table};
use exstreamtv_model::{ChannelId, health::Vitals};
use serde::Serialize;
use utoipa::ToSchema;

/// What there is and who has it.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct CapacityView {
    /// The most channels on air, where that is configured; otherwise what they cost decides.
    pub max_channels_on_air: Option<u32>,
    /// What the machine has for channels, those on air included.
    pub capacity: ResourcesView,
    /// What channels on air are reckoned to take of it.
    pub in_use: ResourcesView,
    /// Channels on air, longest first.
    pub channels: Vec<PlaceView>,
    /// Channels that show the slate until there is room, longest first.
    pub waiting: Vec<ChannelId>,
    /// How often there was no room since the server started.
    pub refused: u64,
    /// Cores that a million pixels a second have been found to cost.
    pub cores_per_megapixel_s: f64,
}

/// What a machine has, or what a channel takes.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, ToSchema)]
pub struct ResourcesView {
    /// Processor cores.
    pub cores: f64,
    /// Memory.
    pub memory_bytes: u64,
    /// Open files of the server.
    pub open_files: u64,
}

/// A channel on air.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct PlaceView {
    /// Which.
    pub channel: ChannelId,
    /// What it is reckoned to take.
    pub cost: ResourcesView,
    /// What its worker used when it was last measured.
    pub measured: Option<Vitals>,
}

impl From<Resources> for ResourcesView {
    fn from(Resources { cores, memory_bytes, open_files }: Resources) -> Self {
        Self { cores, memory_bytes, open_files }
    }
}

impl From<&Place> for PlaceView {
    fn from(place: &Place) -> Self {
        Self { channel: place.channel, cost: place.cost.resources.into(), measured: place.measured }
    }
}

impl CapacityView {
    pub(super) fn of(table: &Table, capacity: &Capacity) -> Self {
        let in_use = table.on_air().fold(Resources::default(), |sum, place| Resources {
            cores: sum.cores + place.cost.resources.cores,
            memory_bytes: sum.memory_bytes.saturating_add(place.cost.resources.memory_bytes),
            open_files: sum.open_files.saturating_add(place.cost.resources.open_files),
        });
        Self {
            max_channels_on_air: capacity.channels,
            capacity: capacity.resources.into(),
            in_use: in_use.into(),
            channels: table.on_air().map(PlaceView::from).collect(),
            waiting: table.waiting().collect(),
            refused: table.refused(),
            cores_per_megapixel_s: table.experience().cores_per_megapixel_s,
        }
    }
}
