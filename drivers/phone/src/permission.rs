//! What apps ask the phone's owner for.

/// What an app wants to use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum PermissionKind {
    Location,
    Photos,
}

/// What the owner has allowed an app to use.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct GrantedPermissions {
    pub location: bool,
    pub photos: bool,
}

impl PermissionKind {
    /// All of them, with the names that facts have for them.
    pub const NAMES: [(&'static str, PermissionKind); 2] =
        [("location", PermissionKind::Location), ("photos", PermissionKind::Photos)];
}
