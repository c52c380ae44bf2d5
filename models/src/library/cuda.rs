//! ONNX Runtime for NVIDIA's graphics cards, and NVIDIA's libraries that it needs: five packages, pinned by version and each
//! of their files by its digest.
//!
//! All files are put into one folder of the cache. The digests are checked when they are fetched; later the library's own, and
//! of the others, which have more than a gigabyte together, the lengths.

use std::fs;
use std::path::{Path, PathBuf};

use super::client::{Wheel, extract, wheel_attempts};
use super::{FoundLibrary, LibrarySearch, Origin, Workshop, check_digest};

/// What has to be free besides the files themselves.
const SPARE: u64 = 64 << 20;

/// One package, for people.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CudaPackage {
    pub package: &'static str,
    pub version: &'static str,
    /// Bytes of the download.
    pub download: u64,
    /// Bytes of the files that are kept.
    pub kept: u64,
    /// It was fetched before.
    pub there: bool,
}

/// What a fetch would do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CudaDownload {
    /// Where the files go.
    pub folder: PathBuf,
    pub parts: Vec<CudaPackage>,
    /// Bytes to be downloaded still.
    pub download: u64,
    /// Bytes that have to be free on the disk for that: the files, and the largest package beside them.
    pub needed: u64,
    /// Bytes that are free, where that can be told.
    pub free: Option<u64>,
}

/// The library set cannot be had; the text says what a person can do.
#[derive(Debug, thiserror::Error)]
pub enum CudaError {
    /// Nobody publishes it.
    #[error(
        "there is no library set for CUDA on {} with {}; it is for Linux on x86-64",
        std::env::consts::OS,
        std::env::consts::ARCH
    )]
    Machine,
    /// Free some space, or name another cache.
    #[error("{} has {free} MB free, and {needed} MB are needed", .folder.display())]
    Full { folder: PathBuf, free: u64, needed: u64 },
    /// Mend the clients or the network.
    #[error("{package} {version} cannot be fetched\n{}", super::list(.tried))]
    Client { package: &'static str, version: &'static str, tried: Vec<(String, String)> },
    /// Mend the folder.
    #[error("cannot write into {}: {source}", .folder.display())]
    Unwritable { folder: PathBuf, source: std::io::Error },
}

struct Package {
    wheel: Wheel,
    download: u64,
    files: &'static [File],
}

struct File {
    /// In the wheel.
    path: &'static str,
    bytes: u64,
    sha256: &'static str,
}

const FOLDER: &str = "onnxruntime-gpu-1.31.1";
const LIBRARY: &str = "libonnxruntime.so.1.31.1";

/// The library first. NVIDIA's order is the one in which they are loaded: each needs those before it.
const PACKAGES: [Package; 5] = [
    Package {
        wheel: Wheel { package: "onnxruntime-gpu", version: "1.31.1", platform: "manylinux_2_28_x86_64" },
        download: 255_600_000,
        files: &[
            File {
                path: "onnxruntime/capi/libonnxruntime.so.1.31.1",
                bytes: 29_421_832,
                sha256: "5104254339ecadae808da771bd0b63b240f0dbd466514234905e54372435c303",
            },
            File {
                path: "onnxruntime/capi/libonnxruntime_providers_shared.so",
                bytes: 14_632,
                sha256: "086ec1d5388f64153d9c63470d126693db9a182c8ce236d3a1119068471b8a0d",
            },
            File {
                path: "onnxruntime/capi/libonnxruntime_providers_cuda.so",
                bytes: 284_014_752,
                sha256: "f62fddac1a32c2893ba9268058fa91e38d14d5ce5609c6e31e7e8b7d61f97e26",
            },
        ],
    },
    Package {
        wheel: Wheel { package: "nvidia-cuda-runtime", version: "13.5.37", platform: "manylinux_2_17_x86_64" },
        download: 2_504_024,
        files: &[File {
            path: "nvidia/cu13/lib/libcudart.so.13",
            bytes: 806_720,
            sha256: "be114eaabb3f3251cf30b6e334be5e8c3cf1b12c0a11c17295a810dd83cc141a",
        }],
    },
    Package {
        wheel: Wheel { package: "nvidia-cublas", version: "13.10.0.20", platform: "manylinux_2_5_x86_64" },
        download: 444_289_903,
        files: &[
            File {
                path: "nvidia/cu13/lib/libcublasLt.so.13",
                bytes: 551_653_208,
                sha256: "b58e18ab4a6adc9bf4833d5cfe28db688e675fd6021db7eaf5da78d23f95d2de",
            },
            File {
                path: "nvidia/cu13/lib/libcublas.so.13",
                bytes: 57_282_152,
                sha256: "863f349b5352363c66079090d43d9d56ad3d676373ecac18418fd4fb2d0579d1",
            },
        ],
    },
    Package {
        wheel: Wheel { package: "nvidia-cuda-nvrtc", version: "13.5.37", platform: "manylinux_2_12_x86_64" },
        download: 58_185_930,
        files: &[
            File {
                path: "nvidia/cu13/lib/libnvrtc-builtins.so.13.5",
                bytes: 7_268_296,
                sha256: "6cecb2fd3e562bab1cb1c6e192f8f828157683c8febb22a00e178f9faf4e7f6a",
            },
            File {
                path: "nvidia/cu13/lib/libnvrtc.so.13",
                bytes: 141_163_664,
                sha256: "98a317ff5d2176dee5a04235c6663f8d553d5ed95b3104cbf7fb198cbf76a10d",
            },
        ],
    },
    Package {
        wheel: Wheel { package: "nvidia-curand", version: "10.4.5.25", platform: "manylinux_2_27_x86_64" },
        download: 77_113_015,
        files: &[File {
            path: "nvidia/cu13/lib/libcurand.so.10",
            bytes: 104_860_296,
            sha256: "82586610865e67dc73505087e04dd40a3cc69b281028731ce763faafe14b1347",
        }],
    },
];

impl File {
    fn name(&self) -> &'static str {
        self.path.rsplit('/').next().unwrap_or(self.path)
    }

    /// Whether it lies in the folder, as far as its length says.
    fn is_in(&self, folder: &Path) -> bool {
        fs::metadata(folder.join(self.name())).is_ok_and(|found| found.len() == self.bytes)
    }
}

impl Package {
    fn is_in(&self, folder: &Path) -> bool {
        self.files.iter().all(|file| file.is_in(folder))
    }

    fn kept_bytes(&self) -> u64 {
        self.files.iter().map(|file| file.bytes).sum()
    }
}

/// NVIDIA's files, in the order in which they are loaded.
pub fn dependencies() -> impl Iterator<Item = &'static str> {
    PACKAGES[1..].iter().flat_map(|package| package.files).map(File::name)
}

/// The library, if all of the set is there.
pub fn cached_library(cache: &Path) -> Result<PathBuf, String> {
    let folder = cache.join(FOLDER);
    let missing = PACKAGES.iter().find(|package| !package.is_in(&folder));
    if let Some(package) = missing {
        return Err(format!("{} is not there: {}", package.wheel.package, folder.display()));
    }
    let library = folder.join(LIBRARY);
    check_digest(&library, PACKAGES[0].files[0].sha256)?;
    Ok(library)
}

/// Says what a fetch would do, and does nothing.
///
/// # Errors
/// `CudaError::Machine` where there is nothing to fetch.
pub fn cuda_download(cache: &Path) -> Result<CudaDownload, CudaError> {
    if !cfg!(all(target_os = "linux", target_arch = "x86_64", target_env = "gnu")) {
        return Err(CudaError::Machine);
    }
    let folder = cache.join(FOLDER);
    let parts = PACKAGES.map(|package| CudaPackage {
        package: package.wheel.package,
        version: package.wheel.version,
        download: package.download,
        kept: package.kept_bytes(),
        there: package.is_in(&folder),
    });
    let wanted = || parts.iter().filter(|part| !part.there);
    let download = wanted().map(|part| part.download).sum();
    let kept: u64 = wanted().map(|part| part.kept).sum();
    // Packages come one at a time; one client keeps the packed and the unpacked one for a moment.
    let beside = wanted().map(|part| part.download.max(part.kept)).max().unwrap_or(0);
    let needed = if download == 0 { 0 } else { kept + beside + SPARE };
    let free = free(cache);
    Ok(CudaDownload { folder, parts: parts.to_vec(), download, needed, free })
}

/// Fetches what is missing of the set. `progress` gets a sentence for each package.
///
/// # Errors
/// `CudaError`; what was fetched whole stays, and is not fetched again.
pub async fn fetch_cuda(search: &LibrarySearch, mut progress: impl FnMut(&str)) -> Result<FoundLibrary, CudaError> {
    let plan = cuda_download(&search.cache)?;
    let unwritable = |folder: &Path| {
        let folder = folder.to_owned();
        move |source| CudaError::Unwritable { folder, source }
    };
    if let Some(free) = plan.free.filter(|free| *free < plan.needed) {
        let (free, needed) = (free / 1_000_000, plan.needed.div_ceil(1_000_000));
        return Err(CudaError::Full { folder: search.cache.clone(), free, needed });
    }
    fs::create_dir_all(&plan.folder).map_err(unwritable(&plan.folder))?;
    let missing: Vec<&Package> = PACKAGES.iter().filter(|package| !package.is_in(&plan.folder)).collect();
    let (count, fresh) = (missing.len(), !missing.is_empty());
    for (n, package) in missing.into_iter().enumerate() {
        let Package { wheel, download, .. } = package;
        let mut tried = Vec::new();
        let mut done = false;
        for attempt in wheel_attempts() {
            progress(&format!(
                "getting {} {} (about {} MB, {} of {count}) with {}",
                wheel.package,
                wheel.version,
                download.div_ceil(1_000_000),
                n + 1,
                attempt.client
            ));
            // A folder of its own for each try, so that one client does not stumble over another's leavings.
            let workshop = Workshop::new(&plan.folder).map_err(unwritable(&plan.folder))?;
            let brought = match attempt.wheel(wheel, &workshop.0, search.within).await {
                Ok(brought) => brought,
                Err(why) => {
                    tried.push((attempt.client.to_owned(), why));
                    continue;
                }
            };
            let (from, to) = (workshop.0.clone(), plan.folder.clone());
            let files = package.files;
            // Unpacking and hashing half a gigabyte blocks; that is done where it may.
            let work = move || install(&brought, files, &from, &to);
            match tokio::task::spawn_blocking(work).await.unwrap_or_else(|_| Err("unpacking stopped".to_owned())) {
                Ok(()) => done = true,
                Err(why) => tried.push((attempt.client.to_owned(), why)),
            }
            if done {
                break;
            }
        }
        if !done {
            return Err(CudaError::Client { package: wheel.package, version: wheel.version, tried });
        }
    }
    let path = cached_library(&search.cache).map_err(|why| CudaError::Client {
        package: PACKAGES[0].wheel.package,
        version: PACKAGES[0].wheel.version,
        tried: vec![("the cache".to_owned(), why)],
    })?;
    Ok(FoundLibrary { path, origin: if fresh { Origin::Fetched } else { Origin::Cached } })
}

/// Takes the files out of a wheel and moves them into the folder, each when its digest is right.
fn install(
    brought: &super::client::WheelContent,
    files: &[File],
    workshop: &Path,
    folder: &Path,
) -> Result<(), String> {
    for file in files {
        let fresh = workshop.join(format!("{}.fresh", file.name()));
        extract(&brought.inside(file.path), &fresh, file.bytes + 1)?;
        check_digest(&fresh, file.sha256).map_err(|why| format!("{}: {why}", file.name()))?;
        fs::rename(&fresh, folder.join(file.name()))
            .map_err(|error| format!("cannot put it into the cache: {error}"))?;
    }
    Ok(())
}

/// Bytes that are free where a folder is or would be.
#[cfg(unix)]
fn free(folder: &Path) -> Option<u64> {
    let at = folder.ancestors().find(|above| above.is_dir())?;
    let found = rustix::fs::statvfs(at).ok()?;
    Some(found.f_bavail.saturating_mul(found.f_frsize))
}

#[cfg(not(unix))]
fn free(_: &Path) -> Option<u64> {
    None
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::super::Cuda;
    use super::*;

    #[test]
    fn nothing_is_there_and_all_of_it_is_planned() {
        let cache = tempfile::tempdir().unwrap();
        let Ok(plan) = cuda_download(cache.path()) else { return };
        assert_eq!(plan.parts.len(), 5);
        assert!(plan.parts.iter().all(|part| !part.there && part.kept > 0));
        assert_eq!(plan.download, plan.parts.iter().map(|part| part.download).sum::<u64>());
        assert!(plan.needed > plan.parts.iter().map(|part| part.kept).sum(), "{plan:?}");
        assert!(plan.free.is_some_and(|free| free > 0));
        assert!(cached_library(cache.path()).unwrap_err().contains("onnxruntime-gpu is not there"));
    }

    #[test]
    fn files_of_the_right_length_with_a_wrong_library_are_not_loaded() {
        let cache = tempfile::tempdir().unwrap();
        let folder = cache.path().join(FOLDER);
        fs::create_dir(&folder).unwrap();
        for file in PACKAGES.iter().flat_map(|package| package.files) {
            // Sparse: a gigabyte of nothing takes no room.
            fs::File::create(folder.join(file.name())).unwrap().set_len(file.bytes).unwrap();
        }
        assert!(cached_library(cache.path()).unwrap_err().contains("SHA-256"));
        let Ok(plan) = cuda_download(cache.path()) else { return };
        assert_eq!((plan.download, plan.needed), (0, 0));
    }

    #[test]
    fn dependencies_come_before_what_needs_them() {
        let all: Vec<&str> = dependencies().collect();
        assert_eq!(all[..3], ["libcudart.so.13", "libcublasLt.so.13", "libcublas.so.13"]);
        assert!(!all.iter().any(|name| name.contains("onnxruntime")));
    }

    /// Run by hand, with `--ignored`: fetches 840 MB.
    #[tokio::test]
    #[ignore = "uses the network"]
    async fn the_whole_set_comes_and_is_what_is_pinned() {
        let cache = tempfile::tempdir().unwrap();
        let search = LibrarySearch {
            named: None,
            cache: cache.path().to_owned(),
            fetch: true,
            within: Duration::from_secs(600),
            cuda: Cuda::Wanted,
        };
        let found = fetch_cuda(&search, |sentence| eprintln!("{sentence}")).await.unwrap();
        assert_eq!(found.origin, Origin::Fetched);
        let left: Vec<_> =
            fs::read_dir(found.path.parent().unwrap()).unwrap().flatten().map(|f| f.file_name()).collect();
        assert_eq!(left.len(), PACKAGES.iter().map(|package| package.files.len()).sum::<usize>(), "{left:?}");
        assert_eq!(super::super::find(&search, |_| ()).await.unwrap().path, found.path);
    }
}
