//! Files of the sets, written by the tests themselves, and whatever else may lie there.

mod aitw;
mod android_control;
mod androidlab;
mod container;
mod gui_odyssey;

use std::fs;
use std::io::Write as _;
use std::time::Duration;

use async_trait::async_trait;
use flate2::Compression;
use flate2::write::GzEncoder;
use tapwright_agent::stop::stop;
use tapwright_contract::model::{Model, ModelError, Prompt, Reply};

use super::super::infer::{InferRules, infer};
use super::super::judge::{AnswerStatus, judge, read_judged};
use super::super::metric::{OfflineMetric, metric};
use super::super::{OfflineRecord, RECORDS, Target, read_records};
use super::tfrecord::masked_crc32c;
use super::*;
use crate::model::LoadedModel;
use crate::profile::Profiles;
use crate::settings::default_limits;

/// What a feature of an example holds.
#[derive(Clone)]
pub enum Values {
    Bytes(Vec<Vec<u8>>),
    Floats(Vec<f32>),
    Integers(Vec<i64>),
}

pub fn texts(values: &[&str]) -> Values {
    Values::Bytes(values.iter().map(|value| value.as_bytes().to_vec()).collect())
}

pub fn varint(mut value: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    while value >= 0x80 {
        bytes.push(value as u8 | 0x80);
        value >>= 7;
    }
    bytes.push(value as u8);
    bytes
}

/// A field of a number.
pub fn number(field: u64, value: i64) -> Vec<u8> {
    [varint(field << 3), varint(value.cast_unsigned())].concat()
}

/// A field of bytes, a text or a message.
pub fn message(field: u64, bytes: &[u8]) -> Vec<u8> {
    [varint(field << 3 | 2), varint(bytes.len() as u64), bytes.to_vec()].concat()
}

/// A `tf.train.Example`.
pub fn example(features: &[(&str, Values)]) -> Vec<u8> {
    let entry = |(name, values): &(&str, Values)| {
        let feature = match values {
            Values::Bytes(values) => message(1, &values.iter().flat_map(|value| message(1, value)).collect::<Vec<_>>()),
            Values::Floats(values) => {
                message(2, &message(1, &values.iter().flat_map(|value| value.to_le_bytes()).collect::<Vec<_>>()))
            }
            Values::Integers(values) => {
                let packed: Vec<u8> = values.iter().flat_map(|value| varint(value.cast_unsigned())).collect();
                message(3, &message(1, &packed))
            }
        };
        message(1, &[message(1, name.as_bytes()), message(2, &feature)].concat())
    };
    message(1, &features.iter().flat_map(entry).collect::<Vec<_>>())
}

/// A record of a TFRecord file.
pub fn record(bytes: &[u8]) -> Vec<u8> {
    let length = (bytes.len() as u64).to_le_bytes();
    let sum = |bytes: &[u8]| masked_crc32c(bytes).to_le_bytes().to_vec();
    [length.to_vec(), sum(&length), bytes.to_vec(), sum(bytes)].concat()
}

pub fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

pub fn png_of(width: u32, height: u32) -> Vec<u8> {
    png_in(width, height, 200)
}

/// A picture of one grey.
pub fn png_in(width: u32, height: u32, grey: u8) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, width, height);
    encoder.set_color(png::ColorType::Rgb);
    let mut writer = encoder.write_header().unwrap();
    writer.write_image_data(&vec![grey; (width * height * 3) as usize]).unwrap();
    writer.finish().unwrap();
    bytes
}

/// Writes a shard of examples.
pub fn shard(at: &Path, examples: &[Vec<u8>]) {
    let records: Vec<u8> = examples.iter().flat_map(|bytes| record(bytes)).collect();
    fs::write(at, gzip(&records)).unwrap();
}

/// Imports what a folder `in` has into a folder `set`.
pub fn import_in(folder: &Path, options: &ImportOptions) -> Result<ImportReport, String> {
    import(&[folder.join("in")], &folder.join("set"), options, |_| ()).map_err(|error| error.to_string())
}

/// The grey of a picture that was imported.
pub fn grey(folder: &Path, image: &str) -> u8 {
    image::open(folder.join("set").join(image)).unwrap().into_luma8().get_pixel(0, 0).0[0]
}

/// What is right at a step, by the record's id.
pub fn step<'a>(records: &'a [OfflineRecord], id: &str) -> (&'a OfflineRecord, StepAction, Vec<[f64; 4]>) {
    let record = records.iter().find(|record| record.id == id).unwrap_or_else(|| panic!("{id}: {records:?}"));
    let Target::Step { action, boxes, .. } = &record.target else { panic!("{record:?}") };
    (record, action.clone(), boxes.clone())
}

pub use super::super::rules::{Direction, StepAction};

/// Says one thing after the other.
struct Saying {
    replies: Vec<String>,
    next: usize,
}

#[async_trait]
impl Model for Saying {
    fn name(&self) -> &str {
        "saying"
    }

    async fn reply(&mut self, _prompt: &Prompt, _within: Duration) -> Result<Reply, ModelError> {
        let text = format!("<think>.</think><answer>{}</answer>", self.replies[self.next]);
        self.next += 1;
        Ok(Reply { text, tokens_in: 0, tokens_out: 0, cut: false })
    }
}

/// Asks about a set that was imported, judges and counts: the three stages, each from the files of the one before.
pub async fn measure(folder: &Path, replies: &[&str]) -> (Vec<(String, AnswerStatus)>, OfflineMetric) {
    let (set, answers) = (folder.join("set"), folder.join("answers"));
    let records = read_records(&set).unwrap();
    assert_eq!(records.len(), replies.len());
    let replies = replies.iter().map(|reply| (*reply).to_owned()).collect();
    let mut model = LoadedModel {
        model: Box::new(Saying { replies, next: 0 }),
        profiles: Profiles::of_scripts(),
        about: "saying".to_owned(),
    };
    let (_stopper, stop) = stop();
    let limits = default_limits();
    let rules = InferRules { date: "2026-01-01", limits: &limits };
    infer((&set, &records), &answers, &mut model, rules, &stop, |_| ()).await.unwrap();
    judge(&read_records(&set).unwrap(), &answers).unwrap();
    let judged = read_judged(&answers).unwrap();
    let found = metric(&judged);
    (judged.into_iter().map(|record| (record.id, record.status)).collect(), found)
}
