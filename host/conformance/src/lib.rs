//! What a plugin must keep: the checks of `exstreamtv plugin check`.
