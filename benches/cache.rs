//! How long it takes to keep and restore results, against `cp -r` of the same files.
//!
//! `cargo bench --bench cache -- FOLDER` works in a folder that is made, and removed in the end. Medians of rounds in
//! which each way has its turn; the machine should be idle.

#[cfg(not(unix))]
fn main() {}

#[cfg(unix)]
fn main() -> Result<(), Box<dyn std::error::Error>> {
    let Some(folder) = std::env::args().skip(1).find(|argument| !argument.starts_with('-')) else {
        return Err("name a folder to work in".into());
    };
    let folder = std::path::Path::new(&folder);
    std::fs::create_dir(folder)?;
    println!("200 results of 1 MB    keep   cp -r  restore  ratio  unchanged");
    for files in [1, 16, 256] {
        measure::results_of(folder, files)?;
    }
    std::fs::remove_dir_all(folder)?;
    Ok(())
}

#[cfg(unix)]
mod measure {
    use std::error::Error;
    use std::fs;
    use std::path::Path;
    use std::process::Command;
    use std::time::{Duration, Instant};

    use knockon::path::RepoPath;
    use knockon::store::{Cache, Ending, Outputs, ResultKey};

    const RESULTS: u8 = 200;
    const ROUNDS: usize = 9;
    const BYTES: usize = 1 << 20;

    /// Measures results with so many files each, and prints a line.
    pub fn results_of(folder: &Path, files: usize) -> Result<(), Box<dyn Error>> {
        let (tree, copy, git) = (folder.join("tree"), folder.join("copy"), folder.join("git"));
        let mut seed = files as u64;
        for result in 0..RESULTS {
            for file in 0..files {
                let at = tree.join(format!("p{result}/out/d{}/f{file}", file % 8));
                at.parent().map_or(Ok(()), fs::create_dir_all)?;
                fs::write(at, noise(&mut seed, BYTES / files))?;
            }
        }
        fs::create_dir(&git)?;
        let printed = folder.join("printed");
        fs::write(&printed, "done\n")?;
        let cache = Cache::beside(&git);
        let ending = Ending { duration: Duration::ZERO, attempts: 1, printed: &printed };
        let patterns = ["out/**".to_owned()];
        let each = |act: &dyn Fn(ResultKey, &[Outputs<'_>]) -> Result<(), Box<dyn Error>>| {
            let begun = Instant::now();
            for result in 0..RESULTS {
                let project = RepoPath::from_git(format!("p{result}").as_bytes())?;
                act(ResultKey([result; 32]), &[Outputs { folder: &project, patterns: &patterns }])?;
            }
            Ok::<_, Box<dyn Error>>(begun.elapsed())
        };
        let kept = each(&|key, outputs| Ok(cache.keep(&key, &tree, outputs, &ending).map(drop)?))?;
        let restore = || {
            each(&|key, outputs| {
                let result = cache.find(&key).ok_or("it is not there")?;
                Ok(cache.restore(&result, &copy, outputs, &|_| false).map(drop)?)
            })
        };
        let mut took = [const { Vec::new() }; 3];
        for _ in 0..ROUNDS {
            let begun = Instant::now();
            Command::new("cp").arg("-r").args([&tree, &copy]).status()?;
            took[0].push(begun.elapsed());
            fs::remove_dir_all(&copy)?;
            fs::create_dir(&copy)?;
            took[1].push(restore()?);
            took[2].push(restore()?);
            fs::remove_dir_all(&copy)?;
        }
        let [copied, restored, unchanged] = took.map(median);
        let ratio = copied.as_secs_f64() / restored.as_secs_f64();
        let name = format!("{files} files each");
        let milliseconds = |took: Duration| took.as_secs_f64() * 1000.0;
        println!(
            "{name:<18} {:>8.0} {:>7.0} {:>8.0} {ratio:>6.2} {:>10.0}  ms",
            milliseconds(kept),
            milliseconds(copied),
            milliseconds(restored),
            milliseconds(unchanged)
        );
        fs::remove_dir_all(&tree)?;
        Ok(fs::remove_dir_all(&git)?)
    }

    fn median(mut took: Vec<Duration>) -> Duration {
        took.sort();
        took.get(took.len() / 2).copied().unwrap_or_default()
    }

    /// Bytes that do not repeat (xorshift).
    fn noise(seed: &mut u64, length: usize) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(length + 8);
        while bytes.len() < length {
            *seed = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let mut word = *seed;
            word ^= word << 13;
            word ^= word >> 7;
            word ^= word << 17;
            bytes.extend(word.to_le_bytes());
        }
        bytes.truncate(length);
        bytes
    }
}
