//! One suite over both databases: whatever the store promises, each of them keeps.

mod catalogs;
mod census;
mod channels;
mod claims;
mod events;
mod failure;
mod fixtures;
mod generations;
mod group;
mod house;
mod identities;
mod kinds;
mod memberships;
mod memory;
mod migrations;
mod nodes;
mod objects;
mod queue;
mod revisions;
mod sealed;
mod sightings;
mod wakes;
mod webhooks;
