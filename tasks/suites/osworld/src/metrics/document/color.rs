//! How different two colours look: CIEDE2000 (Sharma, Wu and Dalal 2005), over CIE L*a*b* under daylight (D65).

use std::f64::consts::PI;

/// Red, green and blue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Rgb(pub(super) u8, pub(super) u8, pub(super) u8);

impl Rgb {
    /// Six digits, as documents write a colour.
    pub(super) fn parse(digits: &str) -> Option<Rgb> {
        let part = |at: usize| u8::from_str_radix(digits.get(at..at + 2)?, 16).ok();
        (digits.len() == 6).then_some(())?;
        Some(Rgb(part(0)?, part(2)?, part(4)?))
    }

    fn lab(self) -> [f64; 3] {
        let linear = |part: u8| {
            let part = f64::from(part) / 255.0;
            if part > 0.04045 { ((part + 0.055) / 1.055).powf(2.4) } else { part / 12.92 }
        };
        let (red, green, blue) = (linear(self.0), linear(self.1), linear(self.2));
        let x = (0.412_453 * red + 0.357_580 * green + 0.180_423 * blue) / 0.95047;
        let y = 0.212_671 * red + 0.715_160 * green + 0.072_169 * blue;
        let z = (0.019_334 * red + 0.119_193 * green + 0.950_227 * blue) / 1.08883;
        let root = |part: f64| if part > 0.008_856 { part.cbrt() } else { 7.787 * part + 16.0 / 116.0 };
        let (x, y, z) = (root(x), root(y), root(z));
        [116.0 * y - 16.0, 500.0 * (x - y), 200.0 * (y - z)]
    }
}

pub(super) fn difference(one: Rgb, other: Rgb) -> f64 {
    let ([light1, a1, b1], [light2, a2, b2]) = (one.lab(), other.lab());
    let mean_chroma = (a1.hypot(b1) + a2.hypot(b2)) / 2.0;
    let seventh = mean_chroma.powi(7);
    let stretch = 1.0 + 0.5 * (1.0 - (seventh / (seventh + 25.0_f64.powi(7))).sqrt());
    let (a1, a2) = (a1 * stretch, a2 * stretch);
    let (chroma1, chroma2) = (a1.hypot(b1), a2.hypot(b2));
    let hue = |a: f64, b: f64| b.atan2(a).rem_euclid(2.0 * PI);
    let (hue1, hue2) = (hue(a1, b1), hue(a2, b2));
    let is_gray = chroma1 * chroma2 == 0.0;
    let apart = hue2 - hue1;
    let turn = match apart {
        _ if is_gray => 0.0,
        apart if apart > PI => apart - 2.0 * PI,
        apart if apart < -PI => apart + 2.0 * PI,
        apart => apart,
    };
    let hue_difference = 2.0 * (chroma1 * chroma2).sqrt() * (turn / 2.0).sin();
    let mean_hue = match hue1 + hue2 {
        sum if is_gray => sum,
        sum if apart.abs() <= PI => sum / 2.0,
        sum if sum < 2.0 * PI => (sum + 2.0 * PI) / 2.0,
        sum => (sum - 2.0 * PI) / 2.0,
    };
    let (mean_light, mean_chroma) = ((light1 + light2) / 2.0, (chroma1 + chroma2) / 2.0);
    let t = 1.0 - 0.17 * (mean_hue - PI / 6.0).cos()
        + 0.24 * (2.0 * mean_hue).cos()
        + 0.32 * (3.0 * mean_hue + PI / 30.0).cos()
        - 0.20 * (4.0 * mean_hue - 63.0_f64.to_radians()).cos();
    let from_middle = (mean_light - 50.0).powi(2);
    let light = (light2 - light1) / (1.0 + 0.015 * from_middle / (20.0 + from_middle).sqrt());
    let chroma = (chroma2 - chroma1) / (1.0 + 0.045 * mean_chroma);
    let hue = hue_difference / (1.0 + 0.015 * mean_chroma * t);
    let seventh = mean_chroma.powi(7);
    let rotation = 2.0 * (seventh / (seventh + 25.0_f64.powi(7))).sqrt();
    let angle = 60.0_f64.to_radians() * (-((mean_hue.to_degrees() - 275.0) / 25.0).powi(2)).exp();
    (light * light + chroma * chroma + hue * hue - rotation * angle.sin() * chroma * hue).max(0.0).sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn differences_are_those_of_other_implementations() {
        for (one, other, expected) in CASES {
            let found = difference(Rgb::parse(one).unwrap(), Rgb::parse(other).unwrap());
            assert!((found - expected).abs() < 1e-6, "{one} {other}: {found}, not {expected}");
        }
        assert_eq!(Rgb::parse("ff000"), None);
        assert_eq!(Rgb::parse("éé00"), None);
    }

    /// Computed with scikit-image 0.26.
    const CASES: &[(&str, &str, f64)] = &[
        ("ff0000", "ff0000", 0.000000000),
        ("c9211e", "ff0000", 11.314123022),
        ("2a6099", "0000ff", 21.092856676),
        ("000000", "ffffff", 100.000000176),
        ("ff0000", "0000ff", 52.881399705),
        ("808080", "7f8080", 0.573493725),
        ("0000ff", "0100f0", 1.902143036),
        ("79d67f", "42c6c6", 24.415735430),
        ("bd6ac3", "f2b725", 61.762328914),
        ("218cff", "06bdf4", 18.999742994),
        ("f03f38", "84ca0c", 69.115318167),
        ("77fa3a", "622c48", 87.378477746),
        ("f0c660", "f3e491", 9.795490266),
        ("cb5539", "4d1d98", 45.693661806),
        ("76be7b", "4da172", 10.120212613),
        ("c7a5c9", "07c150", 43.514935236),
    ];
}
