//! Writes the guide as XMLTV.
//!
//! Does: stream channels, then each channel's programmes, in the order of children that the DTD demands.
//! Does not: hold more than one element; a caller that goes channel by channel needs memory for one channel's rows.
//! Invariant: the type says where in the document we are, so that no call can break the order "channels, then programmes".

mod numbering;
mod programme;

use std::io::{self, Write};

use exstreamtv_model::{Channel, MediaItem, PlayoutEntry};
use quick_xml::{
    Writer,
    events::{BytesDecl, BytesEnd, BytesStart, BytesText, Event},
};

use crate::{identity::channel_guide_id, rows::guide_rows, text::one_line};

/// A channel and what only the host knows about it.
#[derive(Debug, Clone, Copy)]
pub struct ChannelView<'a> {
    /// The channel.
    pub channel: &'a Channel,
    /// Absolute address of its logo.
    pub icon_url: Option<&'a str>,
}

/// A playout row and what belongs to it.
#[derive(Debug, Clone)]
pub struct ProgrammeView<'a> {
    /// The row.
    pub entry: &'a PlayoutEntry,
    /// Its media, when it has any and the library still knows it.
    pub media: Option<&'a MediaItem>,
    /// Absolute address of its artwork.
    pub icon_url: Option<String>,
}

/// The first half of a guide: channels.
pub struct XmltvChannels<W: Write> {
    xml: Writer<W>,
}

/// The second half of a guide: programmes, channel by channel.
pub struct XmltvProgrammes<W: Write> {
    xml: Writer<W>,
}

impl<W: Write> XmltvChannels<W> {
    /// Begins a guide.
    ///
    /// # Errors
    /// When `out` cannot be written.
    pub fn start(out: W) -> io::Result<Self> {
        let mut xml = Writer::new_with_indent(out, b' ', 2);
        xml.write_event(Event::Decl(BytesDecl::new("1.0", Some("UTF-8"), None)))?;
        xml.write_event(Event::DocType(BytesText::from_escaped(r#"tv SYSTEM "xmltv.dtd""#)))?;
        let tv = BytesStart::new("tv")
            .with_attributes([("generator-info-name", "EXStreamTV"), ("source-info-name", "EXStreamTV")]);
        xml.write_event(Event::Start(tv))?;
        Ok(Self { xml })
    }

    /// Writes one channel.
    ///
    /// # Errors
    /// When the output cannot be written.
    pub fn channel(&mut self, view: &ChannelView<'_>) -> io::Result<()> {
        let channel = view.channel;
        let (name, number) = (channel_name(channel), channel.number.to_string());
        let id = channel_guide_id(channel.id);
        let element = self.xml.create_element("channel").with_attribute(("id", id.as_str()));
        element.write_inner_content(|xml| {
            // Plex offers them all for matching, Kodi takes the first.
            for display_name in [&name, &number, &format!("{number} {name}")] {
                xml.create_element("display-name").write_text_content(BytesText::new(display_name))?;
            }
            programme::icon(xml, view.icon_url)
        })?;
        Ok(())
    }

    /// Goes on to the programmes.
    pub fn into_programmes(self) -> XmltvProgrammes<W> {
        XmltvProgrammes { xml: self.xml }
    }
}

impl<W: Write> XmltvProgrammes<W> {
    /// Writes the programmes of one channel; `rows` are its playout rows in time order.
    ///
    /// # Errors
    /// When the output cannot be written.
    pub fn channel(&mut self, channel: &Channel, rows: &[ProgrammeView<'_>]) -> io::Result<()> {
        guide_rows(rows).iter().try_for_each(|row| programme::write(&mut self.xml, channel, row))
    }

    /// Gives access to what is written to, so that a caller can take finished bytes away between channels.
    pub fn output(&mut self) -> &mut W {
        self.xml.get_mut()
    }

    /// Ends the guide.
    ///
    /// # Errors
    /// When the output cannot be written.
    pub fn finish(mut self) -> io::Result<W> {
        self.xml.write_event(Event::End(BytesEnd::new("tv")))?;
        let mut out = self.xml.into_inner();
        out.write_all(b"\n")?;
        Ok(out)
    }
}

/// Returns the channel's name; never empty.
fn channel_name(channel: &Channel) -> String {
    let name = one_line(&channel.name);
    if name.is_empty() { format!("Channel {}", channel.number) } else { name }
}
