//! Which release is fetched, for which machine, and what its file has to be, to the bit.

/// The release that is fetched.
pub const VERSION: &str = "1.31.1";

/// The oldest release that `ort` can load as it is built here.
pub const MINOR_MIN: u32 = 23;

/// One file of one release.
pub struct Pin {
    pub version: &'static str,
    /// What the file is called in the cache.
    pub file: &'static str,
    pub sha256: &'static str,
    /// Of the download, for people.
    pub megabytes: u32,
    pub source: PackageSource,
}

/// What it is a part of.
pub enum PackageSource {
    /// A Python wheel for this platform. Wheels differ by Python's version, so that is fixed too: see `PYTHON`.
    Wheel { platform: &'static str },
    /// A package of npm, and a path in it.
    Npm { path: &'static str },
}

/// The Python whose wheel is fetched; it need not be installed.
pub const PYTHON: &str = "3.13";

impl Pin {
    /// Far above the file's size.
    pub fn bytes_max(&self) -> u64 {
        256 << 20
    }
}

/// What fits this machine, the better first. Other machines have to bring their own.
pub fn for_this_machine() -> &'static [Pin] {
    match (std::env::consts::OS, std::env::consts::ARCH) {
        ("linux", "x86_64") if cfg!(target_env = "gnu") => &[
            Pin {
                version: VERSION,
                file: "libonnxruntime.so.1.31.1",
                sha256: "fc44112fbe06d7d689c57e11d3862031f64711007e4ee020f8eed5185fd2c1d3",
                megabytes: 24,
                source: PackageSource::Wheel { platform: "manylinux_2_28_x86_64" },
            },
            Pin {
                version: "1.30.0",
                file: "libonnxruntime.so.1",
                sha256: "ffb75a925ba05e47b235bb66e3e3911714a80b328a9c9425539feb204aa32a23",
                megabytes: 114,
                source: PackageSource::Npm { path: "package/bin/napi-v6/linux/x64/libonnxruntime.so.1" },
            },
        ],
        ("linux", "aarch64") if cfg!(target_env = "gnu") => &[
            Pin {
                version: VERSION,
                file: "libonnxruntime.so.1.31.1",
                sha256: "8aa3b76b28c778a2b1dd660d34161adb1d508c9ccd04ff9dc80e26eca5df8467",
                megabytes: 22,
                source: PackageSource::Wheel { platform: "manylinux_2_28_aarch64" },
            },
            Pin {
                version: "1.30.0",
                file: "libonnxruntime.so.1",
                sha256: "1f549d46250b005580b597f4164984aaf75b3bcb9f3aeb07c7f8a8fe60b23c76",
                megabytes: 114,
                source: PackageSource::Npm { path: "package/bin/napi-v6/linux/arm64/libonnxruntime.so.1" },
            },
        ],
        ("macos", "aarch64") => &[
            Pin {
                version: VERSION,
                file: "libonnxruntime.1.31.1.dylib",
                sha256: "07fde7652b628c2c744155cf49020f368ddf5e1e13fc17817d1350514446bef8",
                megabytes: 21,
                source: PackageSource::Wheel { platform: "macosx_14_0_arm64" },
            },
            Pin {
                version: "1.30.0",
                file: "libonnxruntime.1.30.0.dylib",
                sha256: "685d2be5dba1309c89d3a5324b7fd06a5c42f1a61bfea32d14c4cc28d072121d",
                megabytes: 114,
                source: PackageSource::Npm { path: "package/bin/napi-v6/darwin/arm64/libonnxruntime.1.30.0.dylib" },
            },
        ],
        ("windows", "x86_64") => &[
            Pin {
                version: VERSION,
                file: "onnxruntime.dll",
                sha256: "68d0d5f502be4509e2a16f932627a95137d748b2fae519027f80125c0b1f550b",
                megabytes: 15,
                source: PackageSource::Wheel { platform: "win_amd64" },
            },
            Pin {
                version: "1.30.0",
                file: "onnxruntime.dll",
                sha256: "508c362f5673483dd3a086379c392795b2e42d10d5e6f3f90ebd7ac21c97af67",
                megabytes: 114,
                source: PackageSource::Npm { path: "package/bin/napi-v6/win32/x64/onnxruntime.dll" },
            },
        ],
        ("windows", "aarch64") => &[
            Pin {
                version: VERSION,
                file: "onnxruntime.dll",
                sha256: "d233038f6e67f6ebdca11c8aa8537e46f28fd02e9c21fa3072f62ce30be654b8",
                megabytes: 15,
                source: PackageSource::Wheel { platform: "win_arm64" },
            },
            Pin {
                version: "1.30.0",
                file: "onnxruntime.dll",
                sha256: "6c3a2abf5c6aca11c48a0d338a91af309f2266f25ce2e4084e6a87bbcb0fbfd0",
                megabytes: 114,
                source: PackageSource::Npm { path: "package/bin/napi-v6/win32/arm64/onnxruntime.dll" },
            },
        ],
        _ => &[],
    }
}
