//! Identifiers. In JSON they are strings, because 64-bit numbers do not survive JavaScript.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(value_type = String, example = "1"))]
        #[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(with = "String"))]
        pub struct $name(pub i64);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl FromStr for $name {
            type Err = std::num::ParseIntError;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                text.parse().map(Self)
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
                text.parse().map_err(|_| de::Error::custom(format_args!("not an id: {text:?}")))
            }
        }
    };
}

id!(
    /// A channel, for ever; its number may change.
    ChannelId
);
id!(
    /// A collection of media.
    CollectionId
);
id!(
    /// One media file of the library.
    MediaId
);
id!(
    /// One row of a playout.
    PlayoutEntryId
);
id!(
    /// One FFmpeg process of a worker, counted by the host; never reused while the host lives.
    RunId
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_strings_beyond_two_to_the_fifty_third() {
        let id = MediaId(i64::MAX);
        assert_eq!(id.to_string().parse::<MediaId>().unwrap(), id);
        assert!("12a".parse::<MediaId>().is_err());
    }
}
