//! Pictures that were encoded before, by what they show, up to so many bytes.

use std::collections::VecDeque;
use std::rc::Rc;

use super::prompt::ImageKey;

/// The latest pictures' features. The one that was not used for longest goes first.
pub struct ImageCache {
    /// The latest last.
    images: VecDeque<(ImageKey, Rc<[f32]>)>,
    bytes: usize,
    bytes_max: usize,
}

impl ImageCache {
    pub fn new(bytes_max: usize) -> ImageCache {
        ImageCache { images: VecDeque::new(), bytes: 0, bytes_max }
    }

    pub fn get(&mut self, key: &ImageKey) -> Option<Rc<[f32]>> {
        let at = self.images.iter().position(|(kept, _)| kept == key)?;
        let found = self.images.remove(at)?;
        let features = found.1.clone();
        self.images.push_back(found);
        Some(features)
    }

    /// Keeps a picture's features, unless they alone are too many.
    pub fn insert(&mut self, key: ImageKey, features: Rc<[f32]>) {
        self.bytes += size_of_val(&*features);
        self.images.push_back((key, features));
        while self.bytes > self.bytes_max {
            let Some((_, oldest)) = self.images.pop_front() else { return };
            self.bytes -= size_of_val(&*oldest);
        }
    }

    #[cfg(test)]
    pub fn clear(&mut self) {
        self.images.clear();
        self.bytes = 0;
    }

    #[cfg(test)]
    pub fn bytes(&self) -> usize {
        self.bytes
    }
}
