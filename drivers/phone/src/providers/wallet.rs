//! What the owner pays with: a balance and a PIN. Apps ask it for money, and it keeps what was paid.

use crate::dice::Dice;

/// So many wrong PINs in a row lock the wallet.
pub const TRIES_MAX: u32 = 3;
/// How many digits a PIN has.
pub const PIN_DIGITS: usize = 6;

/// What was paid for, and how much, in hundredths.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Payment {
    pub what: String,
    pub cents: i64,
}

/// Why nothing was paid.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PaymentError {
    /// The PIN is wrong; so many tries are left.
    WrongPin(u32),
    Locked,
    TooLittle,
}

/// The owner's money.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wallet {
    pub pin: String,
    /// In hundredths.
    pub balance: i64,
    /// Wrong PINs since the last right one.
    pub failures: u32,
    pub payments: Vec<Payment>,
}

impl Wallet {
    /// Draws a PIN and a balance.
    pub fn new(seed: u64) -> Wallet {
        let mut dice = Dice::named(seed, "wallet");
        Wallet {
            pin: format!("{:06}", dice.below(1_000_000)),
            balance: 100 * (20_000 + dice.below(80_000) as i64),
            failures: 0,
            payments: Vec::new(),
        }
    }

    /// Whether it pays nothing any more.
    pub fn is_locked(&self) -> bool {
        self.failures >= TRIES_MAX
    }

    /// Pays.
    ///
    /// # Errors
    /// If the PIN is wrong, was wrong too often, or there is too little money.
    pub fn pay(&mut self, pin: &str, what: &str, cents: i64) -> Result<(), PaymentError> {
        if self.is_locked() {
            return Err(PaymentError::Locked);
        }
        if pin != self.pin {
            self.failures += 1;
            let left = TRIES_MAX - self.failures;
            return Err(if left == 0 { PaymentError::Locked } else { PaymentError::WrongPin(left) });
        }
        self.failures = 0;
        if self.balance < cents {
            return Err(PaymentError::TooLittle);
        }
        self.balance -= cents;
        self.payments.push(Payment { what: what.to_owned(), cents });
        Ok(())
    }

    /// Gives back what was paid for something.
    pub fn refund(&mut self, what: &str, cents: i64) {
        self.balance += cents;
        self.payments.push(Payment { what: what.to_owned(), cents: -cents });
    }
}

/// Hundredths as they are written: `¥12.50`, and without the hundredths where there are none.
pub fn money(cents: i64) -> String {
    let sign = if cents < 0 { "-" } else { "" };
    let (whole, rest) = (cents.abs() / 100, cents.abs() % 100);
    if rest == 0 { format!("{sign}¥{whole}") } else { format!("{sign}¥{whole}.{rest:02}") }
}
