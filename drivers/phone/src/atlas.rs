//! The country that feed, maps, rail and weather speak of: cities, their attractions and other places, and the trains between them.
//!
//! Names and where cities lie are the same on every phone; prices, hours, ratings, streets, trains and weather are drawn
//! from the seed, so that none can be known by heart.

mod cities;
mod places;
mod trains;

pub use cities::{Attraction, CITIES, City};
pub use places::{Place, PlaceKind, places};
pub use trains::{SEAT_CLASSES, Seat, Train, trains};
