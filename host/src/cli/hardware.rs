//! `exstreamtv hardware`: what this machine's video cards can do; the server need not run.

use std::io::Write;

use clap::Args;
use exstreamtv_hardware::report::table;

use super::{CommandError, Common, runtime};
use crate::{
    app,
    hardware::{Ask, Hardware},
};

/// What `hardware` is told.
#[derive(Debug, Args)]
pub struct HardwareFlags {
    #[command(flatten)]
    common: Common,
    /// Prints JSON.
    #[arg(long)]
    json: bool,
    /// Finds out anew, whatever is known.
    #[arg(long)]
    refresh: bool,
}

/// Finds out and prints it.
///
/// # Errors
/// The configuration cannot be used, or the worker fails.
pub fn run(HardwareFlags { common, json, refresh }: HardwareFlags) -> Result<(), CommandError> {
    let config = common.load()?;
    let hardware = Hardware::new(app::hardware_settings(&config, &common));
    let ask = if refresh { Ask::Again } else { Ask::IfChanged };
    let found = runtime()?.block_on(hardware.detect(ask)).map_err(CommandError::Hardware)?;
    let view = hardware.view();
    let used: Vec<&str> = view.used.iter().map(String::as_str).collect();
    let text = match (json, &view.remark) {
        (true, _) => serde_json::to_string_pretty(&view).unwrap_or_default() + "\n",
        (false, None) => table(&found, &used),
        (false, Some(remark)) => format!("{}\n{remark}\n", table(&found, &used)),
    };
    // Whoever reads only its beginning (head) is no failure.
    _ = std::io::stdout().write_all(text.as_bytes());
    Ok(())
}
