//! The conversations that an engine keeps, and the memory that their key-value caches may hold together.
//!
//! The bound holds by construction: what an answer may yet need is reserved before it begins, and what is reserved, what idle
//! conversations hold and what moving a cache holds for a moment together never exceed it. Nothing here knows a model: where
//! caches lie is a `CacheStore`'s business.

use std::collections::BTreeMap;

use super::prompt::PromptSlot;
use super::runtime::RuntimeError;

/// Where key-value caches lie, and how they are made larger and smaller.
pub trait CacheStore {
    type Cache;

    /// A cache without a slot.
    fn create(&self) -> Result<Self::Cache, RuntimeError>;

    /// The capacity of a cache that needs so many slots.
    fn capacity_for(&self, slots: usize) -> usize;

    /// What a cache of so many slots holds.
    fn bytes(&self, capacity: usize) -> usize;

    /// What it holds for a moment, beyond the larger of before and after, when it gets that capacity.
    fn moving_bytes(&self, capacity: usize) -> usize;

    /// The slots of a cache.
    fn capacity(&self, cache: &Self::Cache) -> usize;

    /// What this cache really holds.
    fn cache_bytes(&self, cache: &Self::Cache) -> usize;

    /// Gives a cache another capacity. Its first `kept` slots stay as they are, also if it fails.
    fn resize(&self, cache: &mut Self::Cache, capacity: usize, kept: usize) -> Result<(), RuntimeError>;

    /// Gives an empty cache a capacity and the first `kept` slots of another one; says how many it could bring there.
    fn copy(
        &self,
        to: &mut Self::Cache,
        capacity: usize,
        from: &Self::Cache,
        kept: usize,
    ) -> Result<usize, RuntimeError>;
}

/// Names a conversation for as long as it is kept.
pub type ConversationId = u64;

/// What was said to whom: a cache and what lies in its slots.
pub struct Conversation<C> {
    pub past: Vec<PromptSlot>,
    pub cache: C,
    /// When it was used last, by the pool's count.
    used: u64,
    /// The slots that the answer under way may need in all; nothing while the conversation is idle.
    reserved: Option<usize>,
}

/// Why there is no cache for an answer.
#[derive(Debug)]
pub enum PoolError {
    /// The answers under way hold what there is; when one of them ends, there is more.
    Busy,
    /// The memory itself is full, though no idle conversation is left to give up.
    Memory(RuntimeError),
}

/// All conversations.
pub struct Pool<C> {
    conversations: BTreeMap<ConversationId, Conversation<C>>,
    /// Counts uses, so that the conversation that was not used for longest can be told; and names conversations.
    count: u64,
    conversations_max: usize,
    bytes_max: usize,
}

impl<C> Pool<C> {
    pub fn new(conversations_max: usize, bytes_max: usize) -> Pool<C> {
        Pool { conversations: BTreeMap::new(), count: 0, conversations_max: conversations_max.max(1), bytes_max }
    }

    /// The longest conversation that fits under the bound when it is alone, up to `wanted`.
    pub fn slots_max<S: CacheStore<Cache = C>>(store: &S, bytes_max: usize, wanted: usize) -> usize {
        let fits = |slots: usize| {
            let capacity = store.capacity_for(slots);
            store.bytes(capacity).saturating_add(store.moving_bytes(capacity)) <= bytes_max
        };
        let (mut low, mut high) = (0, wanted);
        while low < high {
            let middle = high - (high - low) / 2;
            if fits(middle) { low = middle } else { high = middle - 1 }
        }
        low
    }

    pub fn get(&self, id: ConversationId) -> &Conversation<C> {
        &self.conversations[&id]
    }

    pub fn get_mut(&mut self, id: ConversationId) -> &mut Conversation<C> {
        self.conversations.get_mut(&id).expect("a conversation is kept while its answer is under way")
    }

    #[cfg(test)]
    pub fn len(&self) -> usize {
        self.conversations.len()
    }

    #[cfg(test)]
    pub fn iter(&self) -> impl Iterator<Item = &Conversation<C>> {
        self.conversations.values()
    }

    /// What all caches hold at this moment.
    pub fn cache_bytes<S: CacheStore<Cache = C>>(&self, store: &S) -> usize {
        self.conversations.values().map(|conversation| store.cache_bytes(&conversation.cache)).sum()
    }

    /// Finds the conversation that a prompt goes on, or makes one, with room for `now` slots and a claim to `in_all`. Returns it and
    /// how many slots of the prompt are there already.
    ///
    /// A prompt goes on an idle conversation if it begins with most of what lies there. Otherwise it gets a cache of its own, into
    /// which what the two have in common is copied; and where there is no room for both, it takes the other's place.
    ///
    /// # Errors
    /// `PoolError`, and all is as before but for idle conversations that were given up.
    pub fn take<S: CacheStore<Cache = C>>(
        &mut self,
        store: &S,
        prompt: &[PromptSlot],
        now: usize,
        in_all: usize,
    ) -> Result<(ConversationId, usize), PoolError> {
        self.count += 1;
        let shared = |conversation: &Conversation<C>| {
            let same = conversation.past.iter().zip(prompt).take_while(|(old, new)| old == new).count();
            same.min(prompt.len() - 1) // The last token is computed even so, for its logits.
        };
        let best = |only_idle: bool| {
            let some = self.conversations.iter().filter(|(_, one)| !only_idle || one.reserved.is_none());
            some.map(|(&id, one)| (shared(one), one.used, id)).max()
        };
        let goes_on = best(true).filter(|&(same, _, id)| 2 * same >= self.conversations[&id].past.len());
        let source = best(false).filter(|&(same, ..)| same > 0).map(|(same, _, id)| (id, same));
        let (id, same) = match goes_on {
            Some((same, _, id)) => (id, same),
            None => match (self.add(store, prompt, now, in_all, source), source) {
                (Err(_), Some((id, same))) if self.get(id).reserved.is_none() => (id, same),
                (added, _) => return added,
            },
        };
        self.make_room(store, in_all, Some(id), None)?;
        self.occupy(store, id, same, now, in_all)?;
        Ok((id, same))
    }

    /// Makes a conversation, with what it has in common with another one.
    fn add<S: CacheStore<Cache = C>>(
        &mut self,
        store: &S,
        prompt: &[PromptSlot],
        now: usize,
        in_all: usize,
        source: Option<(ConversationId, usize)>,
    ) -> Result<(ConversationId, usize), PoolError> {
        let from = source.map(|(id, _)| id);
        self.make_room(store, in_all, None, from)?;
        let mut cache = store.create().map_err(PoolError::Memory)?;
        let capacity = store.capacity_for(now);
        let bring = |pool: &mut Pool<C>| match source {
            Some((id, same)) => store.copy(&mut cache, capacity, &pool.get(id).cache, same),
            None => store.resize(&mut cache, capacity, 0).map(|()| 0),
        };
        let same = self.trying(bring, from)?;
        self.count += 1;
        let conversation =
            Conversation { past: prompt[..same].to_vec(), cache, used: self.count, reserved: Some(in_all) };
        self.conversations.insert(self.count, conversation);
        Ok((self.count, same))
    }

    /// Makes room in a conversation whose answer is under way; never more than was reserved for it.
    ///
    /// # Errors
    /// `PoolError::Memory` when there is none, although no idle conversation is left. What the conversation has stays as it is.
    pub fn grow<S: CacheStore<Cache = C>>(
        &mut self,
        store: &S,
        id: ConversationId,
        slots: usize,
    ) -> Result<(), PoolError> {
        let conversation = self.get(id);
        let before = store.capacity(&conversation.cache);
        if slots <= before {
            return Ok(());
        }
        let in_all = conversation.reserved.unwrap_or(slots);
        if slots > in_all {
            return Err(PoolError::Memory(RuntimeError::new(format!("{slots} slots where {in_all} are reserved"))));
        }
        // By a quarter, so that a long answer does not move its cache again and again.
        let capacity = store.capacity_for(slots.max(before + before / 4).min(in_all));
        self.trying(
            |pool| {
                let Conversation { cache, past, .. } = pool.get_mut(id);
                store.resize(cache, capacity, past.len())
            },
            None,
        )
    }

    /// An answer ended; what it left is kept for whoever goes on.
    pub fn release(&mut self, id: ConversationId) {
        if let Some(conversation) = self.conversations.get_mut(&id) {
            conversation.reserved = None;
        }
    }

    /// Forgets a conversation, and whatever is wrong with it.
    pub fn discard(&mut self, id: ConversationId) {
        self.conversations.remove(&id);
    }

    /// Gives up all conversations that nobody uses; whether there was one.
    pub fn discard_idle(&mut self) -> bool {
        let before = self.conversations.len();
        self.conversations.retain(|_, conversation| conversation.reserved.is_some());
        self.conversations.len() < before
    }

    /// Makes an idle conversation one that is used, with its first `same` slots and room for `now`.
    fn occupy<S: CacheStore<Cache = C>>(
        &mut self,
        store: &S,
        id: ConversationId,
        same: usize,
        now: usize,
        in_all: usize,
    ) -> Result<(), PoolError> {
        let used = self.count;
        let conversation = self.get_mut(id);
        conversation.past.truncate(same);
        conversation.used = used;
        conversation.reserved = Some(in_all);
        let (before, all) = (store.capacity(&conversation.cache), store.capacity_for(in_all));
        // What an earlier, longer prompt left is given back.
        let capacity = if before < now {
            store.capacity_for(now.max(before + before / 4).min(in_all))
        } else if before > 2 * all || store.cache_bytes(&conversation.cache) > store.bytes(before.max(all)) {
            all
        } else {
            return Ok(());
        };
        let moved = self.trying(|pool| store.resize(&mut pool.get_mut(id).cache, capacity, same), None);
        if moved.is_err() {
            self.release(id);
        }
        moved
    }

    /// Gives up idle conversations, the one that was not used for longest first, until there may be one more with a claim to `in_all`
    /// slots; or until `occupied` may have that claim. It ends where `source` would be next.
    fn make_room<S: CacheStore<Cache = C>>(
        &mut self,
        store: &S,
        in_all: usize,
        occupied: Option<ConversationId>,
        source: Option<ConversationId>,
    ) -> Result<(), PoolError> {
        loop {
            let others = self.conversations.iter().filter(|(id, _)| Some(**id) != occupied);
            let (mut count, mut bytes, mut moving) = (1, 0, 0_usize);
            let mut claim = |reserved: Option<usize>, held: usize| {
                let capacity = reserved.map_or(0, |slots| store.capacity_for(slots));
                bytes += held.max(store.bytes(capacity));
                moving = moving.max(store.moving_bytes(capacity));
            };
            for (_, other) in others {
                count += 1;
                claim(other.reserved, store.cache_bytes(&other.cache));
            }
            // A cache that is larger than the claim holds what it holds until it is made smaller.
            let held = occupied.map_or(0, |id| store.cache_bytes(&self.conversations[&id].cache));
            claim(Some(in_all), held);
            if count <= self.conversations_max && bytes + moving <= self.bytes_max {
                return Ok(());
            }
            let idle = self.conversations.iter().filter(|(id, one)| one.reserved.is_none() && Some(**id) != occupied);
            match idle.min_by_key(|(_, one)| one.used).map(|(&id, _)| id) {
                Some(oldest) if Some(oldest) != source => self.discard(oldest),
                _ => return Err(PoolError::Busy),
            }
        }
    }

    /// Does what takes memory; as long as there is none, gives up idle conversations and tries again. `source` goes last.
    fn trying<T>(
        &mut self,
        mut work: impl FnMut(&mut Pool<C>) -> Result<T, RuntimeError>,
        source: Option<ConversationId>,
    ) -> Result<T, PoolError> {
        loop {
            let error = match work(self) {
                Ok(done) => return Ok(done),
                Err(error) => error,
            };
            let idle = self.conversations.iter().filter(|(id, one)| one.reserved.is_none() && Some(**id) != source);
            match idle.min_by_key(|(_, one)| one.used).map(|(&id, _)| id) {
                Some(oldest) => self.discard(oldest),
                None => return Err(PoolError::Memory(error)),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use proptest::prelude::*;

    use super::*;

    const STEP: usize = 8;
    const LAYERS: usize = 2;

    /// Memory that counts, and fails when it is told to. A slot takes a byte a layer; a cache is its layers' contents.
    #[derive(Default)]
    struct Memory {
        live: Cell<usize>,
        peak: Cell<usize>,
        /// So many allocations succeed before one fails.
        until_failure: Cell<Option<u32>>,
    }

    struct Layers<'a> {
        memory: &'a Memory,
        layers: Vec<Vec<u32>>,
    }

    impl Memory {
        fn allocate(&self, slots: usize) -> Result<Vec<u32>, RuntimeError> {
            match self.until_failure.get() {
                Some(0) => {
                    self.until_failure.set(None);
                    return Err(RuntimeError::new("out of memory"));
                }
                Some(left) => self.until_failure.set(Some(left - 1)),
                None => {}
            }
            self.live.set(self.live.get() + slots);
            self.peak.set(self.peak.get().max(self.live.get()));
            Ok(vec![u32::MAX; slots])
        }

        fn free(&self, layer: Vec<u32>) {
            self.live.set(self.live.get() - layer.len());
        }
    }

    impl Drop for Layers<'_> {
        fn drop(&mut self) {
            for layer in self.layers.drain(..) {
                self.memory.free(layer);
            }
        }
    }

    impl<'a> CacheStore for &'a Memory {
        type Cache = Layers<'a>;

        fn create(&self) -> Result<Layers<'a>, RuntimeError> {
            Ok(Layers { memory: self, layers: vec![Vec::new(); LAYERS] })
        }

        fn capacity_for(&self, slots: usize) -> usize {
            slots.next_multiple_of(STEP)
        }

        fn bytes(&self, capacity: usize) -> usize {
            LAYERS * capacity
        }

        fn moving_bytes(&self, capacity: usize) -> usize {
            capacity
        }

        fn capacity(&self, cache: &Layers<'a>) -> usize {
            cache.layers.iter().map(Vec::len).min().unwrap_or(0)
        }

        fn cache_bytes(&self, cache: &Layers<'a>) -> usize {
            cache.layers.iter().map(Vec::len).sum()
        }

        fn resize(&self, cache: &mut Layers<'a>, capacity: usize, kept: usize) -> Result<(), RuntimeError> {
            for layer in &mut cache.layers {
                let mut larger = self.allocate(capacity)?;
                larger[..kept].copy_from_slice(&layer[..kept]);
                self.free(std::mem::replace(layer, larger));
            }
            Ok(())
        }

        fn copy(
            &self,
            to: &mut Layers<'a>,
            capacity: usize,
            from: &Layers<'a>,
            kept: usize,
        ) -> Result<usize, RuntimeError> {
            for (layer, from) in to.layers.iter_mut().zip(&from.layers) {
                self.free(std::mem::take(layer));
                *layer = self.allocate(capacity)?;
                layer[..kept].copy_from_slice(&from[..kept]);
            }
            Ok(kept)
        }
    }

    fn slots(tokens: &[u32]) -> Vec<PromptSlot> {
        tokens.iter().map(|&token| PromptSlot::Token(token)).collect()
    }

    /// Computes what is missing of these tokens.
    fn fill(pool: &mut Pool<Layers<'_>>, id: ConversationId, tokens: &[u32]) {
        let Conversation { past, cache, .. } = pool.get_mut(id);
        for (at, &token) in tokens.iter().enumerate().skip(past.len()) {
            cache.layers.iter_mut().for_each(|layer| layer[at] = token);
            past.push(PromptSlot::Token(token));
        }
    }

    fn check(pool: &Pool<Layers<'_>>, memory: &Memory, bytes_max: usize) {
        assert!(memory.peak.get() <= bytes_max, "{} bytes under a bound of {bytes_max}", memory.peak.get());
        assert_eq!(pool.cache_bytes(&memory), memory.live.get(), "nothing leaks");
        for conversation in pool.iter() {
            for layer in &conversation.cache.layers {
                let held: Vec<PromptSlot> = slots(&layer[..conversation.past.len()]);
                assert_eq!(held, conversation.past, "what is said to be there is there");
            }
        }
    }

    #[test]
    fn two_conversations_that_grow_in_turns_stay_under_the_bound_together() {
        let memory = Memory::default();
        let bytes_max = 2 * LAYERS * 3 * STEP;
        let mut pool = Pool::new(8, bytes_max);
        let mut talks = [vec![1], vec![2]];
        for round in 0..20 {
            let talk = &mut talks[round % 2];
            talk.extend((0..3).map(|at| 100 * (1 + round as u32 % 2) + at));
            let in_all = (talk.len() + 2).min(Pool::slots_max(&&memory, bytes_max, 1000));
            talk.truncate(in_all);
            let (id, _) = pool.take(&&memory, &slots(talk), talk.len(), in_all).unwrap();
            fill(&mut pool, id, talk);
            pool.grow(&&memory, id, in_all).unwrap();
            pool.release(id);
            check(&pool, &memory, bytes_max);
        }
    }

    #[test]
    fn a_full_memory_is_helped_by_giving_up_what_nobody_uses() {
        let memory = Memory::default();
        let mut pool = Pool::new(8, 10_000);
        for talk in [1, 2, 3] {
            let (id, _) = pool.take(&&memory, &slots(&[talk, talk, talk]), 3, 4).unwrap();
            fill(&mut pool, id, &[talk, talk, talk]);
            pool.release(id);
        }
        // The second layer cannot be had at first: one conversation goes, and it is tried again.
        memory.until_failure.set(Some(1));
        let (id, kept) = pool.take(&&memory, &slots(&[3, 3, 3, 3, 3]), 40, 90).unwrap();
        assert_eq!((kept, pool.len()), (3, 2), "the one that goes on is not given up");
        fill(&mut pool, id, &[3; 40]);
        // Where nothing is left to give up the answer hears of it, and what it has stays.
        assert!(pool.discard_idle());
        memory.until_failure.set(Some(1));
        assert!(matches!(pool.grow(&&memory, id, 80), Err(PoolError::Memory(_))));
        check(&pool, &memory, 10_000);
        pool.grow(&&memory, id, 80).unwrap();
        check(&pool, &memory, 10_000);
        assert!(matches!(pool.grow(&&memory, id, 91), Err(PoolError::Memory(_))), "never more than was reserved");
    }

    #[test]
    fn what_a_long_prompt_took_is_given_back_when_a_short_one_goes_on() {
        let memory = Memory::default();
        let mut pool = Pool::new(8, 10_000);
        let (id, _) = pool.take(&&memory, &slots(&[7; 400]), 400, 400).unwrap();
        fill(&mut pool, id, &[7; 5]);
        pool.release(id);
        assert_eq!(pool.cache_bytes(&&memory), LAYERS * 400);
        let (same, kept) = pool.take(&&memory, &slots(&[7; 6]), 6, 8).unwrap();
        assert_eq!((same, kept, pool.cache_bytes(&&memory)), (id, 5, LAYERS * STEP));
    }

    #[test]
    fn answers_under_way_are_never_in_want_of_what_was_reserved() {
        let memory = Memory::default();
        let bytes_max = 2 * LAYERS * 4 * STEP + 4 * STEP;
        let mut pool = Pool::new(8, bytes_max);
        let (one, _) = pool.take(&&memory, &slots(&[1]), 1, 4 * STEP).unwrap();
        let (two, _) = pool.take(&&memory, &slots(&[2]), 1, 4 * STEP).unwrap();
        assert!(matches!(pool.take(&&memory, &slots(&[3]), 1, STEP), Err(PoolError::Busy)));
        for slots in 1..=4 * STEP {
            pool.grow(&&memory, one, slots).unwrap();
            pool.grow(&&memory, two, slots).unwrap();
        }
        check(&pool, &memory, bytes_max);
        pool.release(one);
        assert!(pool.take(&&memory, &slots(&[3]), 1, STEP).is_ok());
        check(&pool, &memory, bytes_max);
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 500, failure_persistence: None, ..ProptestConfig::default() })]

        /// Prompts that share beginnings, answers that grow and end in any order, memory that fails now and then.
        #[test]
        fn whatever_happens_the_bound_holds_and_nothing_is_mixed_up(
            conversations_max in 1usize..5,
            steps in 1usize..9,
            actions in prop::collection::vec((0u8..6, 0u32..3, 1usize..40, 0usize..30, prop::option::weighted(0.2, 0u32..6)), 1..60),
        ) {
            let memory = Memory::default();
            let bytes_max = 3 * STEP * steps;
            let longest = Pool::slots_max(&&memory, bytes_max, 1000);
            prop_assert_eq!(longest, steps * STEP);
            let mut pool = Pool::new(conversations_max, bytes_max);
            let mut under_way: Vec<(ConversationId, usize)> = Vec::new();
            for (kind, seed, length, more, failure) in actions {
                memory.until_failure.set(failure);
                match kind {
                    0..3 => {
                        let length = length.min(longest);
                        let in_all = (length + more).min(longest);
                        let prompt: Vec<u32> = (0..length as u32).map(|at| if at < 9 { at } else { at + 100 * seed }).collect();
                        match pool.take(&&memory, &slots(&prompt), length, in_all) {
                            Ok((id, kept)) => {
                                prop_assert!(kept < length && !under_way.iter().any(|(other, _)| *other == id));
                                fill(&mut pool, id, &prompt);
                                under_way.push((id, in_all));
                            }
                            Err(PoolError::Busy) => prop_assert!(!under_way.is_empty(), "alone there is always room"),
                            Err(PoolError::Memory(_)) => prop_assert!(failure.is_some()),
                        }
                    }
                    3 | 4 if !under_way.is_empty() => {
                        let (id, in_all) = under_way[seed as usize % under_way.len()];
                        let to = (pool.get(id).past.len() + more).min(in_all);
                        match pool.grow(&&memory, id, to) {
                            Ok(()) => {
                                let mut tokens: Vec<u32> = pool.get(id).past.iter().map(|slot| match slot {
                                    PromptSlot::Token(token) => *token,
                                    PromptSlot::Patch { .. } => 0,
                                }).collect();
                                tokens.resize(to, seed);
                                fill(&mut pool, id, &tokens);
                            }
                            Err(_) => prop_assert!(failure.is_some()),
                        }
                    }
                    5 if !under_way.is_empty() => {
                        let (id, _) = under_way.remove(seed as usize % under_way.len());
                        if more == 0 { pool.discard(id) } else { pool.release(id) }
                    }
                    _ => {}
                }
                memory.until_failure.set(None);
                check(&pool, &memory, bytes_max);
                prop_assert!(pool.len() <= conversations_max);
            }
        }
    }
}
