//! Long lists in pages.
//!
//! Invariant: a page holds at most [`PageQuery::MAX`] items, and its cursor stays valid when items come and go.

use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

/// A part of a list.
#[derive(Debug, Serialize, ToSchema)]
pub struct Page<T> {
    /// The items.
    pub items: Vec<T>,
    /// Cursor of the next page, to be given as `after`; absent on the last page.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

impl<T> Page<T> {
    /// Returns a list that is short by nature as one page.
    pub fn whole(items: Vec<T>) -> Self {
        Self { items, next: None }
    }

    /// Cuts a page from a sorted list that begins behind the cursor; `cursor` names an item.
    pub fn cut(mut items: Vec<T>, limit: usize, cursor: impl Fn(&T) -> String) -> Self {
        let more = items.len() > limit;
        items.truncate(limit);
        let next = items.last().filter(|_| more).map(cursor);
        Self { items, next }
    }

    /// Converts the items.
    pub fn map<U>(self, convert: impl FnMut(T) -> U) -> Page<U> {
        Page { items: self.items.into_iter().map(convert).collect(), next: self.next }
    }
}

/// Which part of a list.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct PageQuery {
    /// `next` of the page before; absent for the first page.
    pub after: Option<String>,
    /// Items on the page, 1 to 500; 100 if absent.
    pub limit: Option<u32>,
}

impl PageQuery {
    /// The most items on a page.
    pub const MAX: u32 = 500;

    /// Returns how many items the page may hold.
    pub fn limit(&self) -> usize {
        clamp(self.limit) as usize
    }
}

/// Returns how many items a page may hold when the client asks for `limit`.
pub fn clamp(limit: Option<u32>) -> u32 {
    limit.unwrap_or(100).clamp(1, PageQuery::MAX)
}
