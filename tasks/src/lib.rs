//! Sets work, runs it, judges it, reports it: one goal or a suite, on a phone of our own or somebody's, with any model.
//!
//! It puts devices, models and the agent together and knows how none of them works inside. It prints nothing, reads no
//! environment and has no defaults: whoever calls fills in plain structs, and is told what happens as it happens.

pub mod apis;
pub mod bench;
pub mod call_trial;
pub mod command_line;
mod connections;
pub mod desk;
pub mod device;
pub mod device_lock;
pub mod doctor;
pub mod expect;
pub mod grounding;
pub mod headline;
pub mod judge;
mod live;
pub mod machine_server;
pub mod measurement;
pub mod mistake;
pub mod model;
pub mod named_apps;
pub mod offline;
pub mod origin;
pub mod osworld;
pub mod page;
pub mod page_server;
pub mod plan;
mod plural;
pub mod policy;
mod process;
pub mod profile;
mod protected_window;
pub mod record;
pub mod rejudge;
pub mod resume;
pub mod run;
pub mod scene;
pub mod script;
mod seal;
pub mod serve;
pub mod session;
pub mod settings;
pub mod step_mark;
pub mod suite;
pub mod suites;
pub mod window;

pub use plural::count_of;
pub use tapwright_agent::apis::{NoApis, Registry};
pub use tapwright_agent::guard::{Deed, Touch};
pub use tapwright_agent::journal::{
    EffectLine, Entry, EventLine, ForkError, JournalError, Line, Record, RecordError, ResumeError, RunHeader, Step,
};
pub use tapwright_agent::limits::Limits;
pub use tapwright_agent::outcome::{End, Outcome};
pub use tapwright_agent::person::{Answer, Asker, Nobody, Person, Question};
pub use tapwright_agent::policy::{ApiUse, EffectPermissions, Permission, Policy, PresetAnswers, Rule, SecretUse};
pub use tapwright_agent::schema::Schema;
pub use tapwright_agent::secrets::{SecretText, Secrets};
pub use tapwright_agent::step::{Decided, StepResult};
pub use tapwright_agent::stop::{Stop, Stopper, stop};
pub use tapwright_contract::api::{ApiEffect, ApiError, ApiSpec, Apis};
pub use tapwright_contract::device::{DriverError, Screen};
pub use tapwright_contract::gesture::Gesture;
pub use tapwright_contract::{Size, Spot};
pub use tapwright_drivers::android::{DeviceState, ListedDevice, devices};
pub use tapwright_drivers::browser::private_browser_lacks;
pub use tapwright_drivers::desktop::private_lacks;
