//! What is outside of a run, put together once: whoever tests a part of it brings that part.

use tapwright_agent::apis::NoApis;
use tapwright_agent::clock::Timer;
use tapwright_agent::drive::{Ports, drive, resume};
use tapwright_agent::episode::Setting;
use tapwright_agent::journal::{Entry, Journal, ResumePoint};
use tapwright_agent::limits::Limits;
use tapwright_agent::outcome::End;
use tapwright_agent::person::{Nobody, Person};
use tapwright_agent::secrets::Secrets;
use tapwright_agent::stop::{Stop, stop};
use tapwright_contract::api::Apis;
use tapwright_contract::device::Driver;
use tapwright_contract::model::Model;

/// A device and a model, and what a run has besides. Time passes at once when everybody waits.
pub struct Outside {
    pub driver: Box<dyn Driver>,
    pub model: Box<dyn Model>,
    pub person: Box<dyn Person>,
    pub apis: Box<dyn Apis>,
    pub secrets: Secrets,
    pub stop: Stop,
}

/// Where a run is taken up.
pub enum RunStart {
    Beginning(Box<Setting>),
    ResumePoint(Box<(ResumePoint, Limits)>),
}

impl RunStart {
    pub fn beginning(setting: Setting) -> RunStart {
        RunStart::Beginning(Box::new(setting))
    }

    pub fn resuming(point: ResumePoint, limits: Limits) -> RunStart {
        RunStart::ResumePoint(Box::new((point, limits)))
    }
}

impl Outside {
    /// Nobody is asked or stops it, and there are no APIs and no secrets.
    pub fn new(driver: impl Driver + 'static, model: impl Model + 'static) -> Outside {
        let (driver, model) = (Box::new(driver), Box::new(model));
        let (_stopper, stop) = stop();
        Outside { driver, model, person: Box::new(Nobody), apis: Box::new(NoApis), secrets: Secrets::default(), stop }
    }

    /// Drives a run to its end; the journal can be written.
    pub fn run(self, from: RunStart, journal: &mut Journal) -> End {
        self.run_watched(from, journal, &mut |_| ())
    }

    /// The same under somebody's eyes.
    pub fn run_watched(mut self, from: RunStart, journal: &mut Journal, watch: &mut (dyn FnMut(&Entry) + Send)) -> End {
        let clock = Timer::start();
        let ports = Ports {
            driver: self.driver.as_mut(),
            model: self.model.as_mut(),
            person: self.person.as_mut(),
            apis: self.apis.as_mut(),
            secrets: &self.secrets,
            journal,
            clock: &clock,
            stop: self.stop,
            watch,
        };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
        let run = async {
            match from {
                RunStart::Beginning(setting) => drive(*setting, 5, ports).await,
                RunStart::ResumePoint(from) => {
                    let (point, limits) = *from;
                    resume(point, limits, 6, ports).await
                }
            }
        };
        runtime.expect("a runtime can be made").block_on(run).expect("the journal can be written")
    }
}
