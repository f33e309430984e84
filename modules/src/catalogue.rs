//! All kinds of this crate, one line each, family by family.

use tina_engine::Catalogue;

/// Every kind of this crate. Add your own with [`Catalogue::with`].
#[must_use]
pub fn catalogue() -> Catalogue {
    Catalogue::new()
}
