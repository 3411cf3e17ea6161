//! Writing, reading and hashing.

use super::*;
use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};

/// The whole of [`Desk::album`].
fn all() -> [Extent; 3] {
    [extent(0, 0, 10), padding(1, 6), extent(2, 0, 20)]
}

const BYTES: [&[u8]; 3] = [b"0123456789PAD", b"DNGabcdefgh", b"ijklmnopqrst"];

#[test]
fn a_run_crosses_files_and_leaves_padding_out() {
    let mut desk = Desk::album();
    assert_eq!(desk.run(write(&all(), &BYTES)), Ok(DiskOutcome::Write(None)));
    let part = desk.path(Place::Part);
    assert_eq!(fs::read(part.join("one")).unwrap(), b"0123456789");
    assert_eq!(fs::read(part.join("in/side/two")).unwrap(), b"abcdefghijklmnopqrst");
    assert_eq!(names(&part), ["in", "one"], "nothing but what was written");
    assert!(!part.join("in/empty").exists());
}

#[test]
fn data_and_extents_of_different_length_are_an_error() {
    let mut desk = Desk::album();
    for extents in [&all()[..], &all()[..2]] {
        let kind = desk.fails(write(extents, &BYTES[..2]));
        assert!(matches!(kind, DiskErrorKind::Other { code: 0, .. }), "{kind:?}");
    }
}

#[test]
fn what_is_read_has_zeros_for_padding() {
    let mut desk = Desk::album();
    desk.run(write(&all(), &BYTES)).unwrap();
    let got = desk.run(read(Place::Part, &[extent(0, 8, 2), padding(1, 6), extent(2, 0, 3)]));
    assert_eq!(bytes(got), b"89\0\0\0\0\0\0abc"[..]);
}

#[test]
fn a_write_hashes_what_it_was_given() {
    let mut desk = Desk::album();
    let DiskTask::Write { extents, data, .. } = write(&all(), &BYTES) else { unreachable!() };
    let hash = Some(state_of(b"before"));
    let task = DiskTask::Write { extents, data, hash, allocation: Allocation::None };
    let expected = state_of(b"before0123456789PADDNGabcdefghijklmnopqrst");
    assert_eq!(desk.run(task), Ok(DiskOutcome::Write(Some(expected))));
}

#[test]
fn a_digest_of_megabytes_equals_that_of_the_bytes() {
    const LEN: usize = (1 << 20) + 12_345;
    let data: Bytes = (0..LEN).map(|n| ((n * n) >> 7) as u8).collect();
    let mut desk = Desk::single(LEN as u64 + 3);
    let slices = data.chunks(16 << 10).map(Bytes::copy_from_slice).collect();
    let whole = extent(0, 3, LEN as u64);
    let (hash, allocation) = (Some(Sha1State::new()), Allocation::Sparse);
    let written = desk.run(DiskTask::Write { extents: vec![whole], data: slices, hash, allocation });
    assert_eq!(written, Ok(DiskOutcome::Write(Some(state_of(&data)))));
    let zeros = padding(0, 40_000);
    let task =
        DiskTask::Digest { place: Place::Part, extents: vec![whole, zeros], hash: Sha1State::new().into() };
    let expected = state_of(&[&data[..], &vec![0; 40_000]].concat());
    assert_eq!(desk.run(task), Ok(DiskOutcome::Digest(expected.into())));
    assert_eq!(bytes(desk.run(read(Place::Part, &[whole]))), data);
}

#[test]
fn each_block_is_hashed_by_itself_across_files_and_padding() {
    let files =
        vec![file("one", 20_000), StoredFile { padding: true, ..file(".pad/1", 10_000) }, file("two", 9_000)];
    let mut desk = Desk::multi(files);
    let data: Vec<u8> =
        (0..39_000).map(|n: u32| if (20_000..30_000).contains(&n) { 0 } else { (n % 251) as u8 }).collect();
    let extents = vec![extent(0, 0, 20_000), padding(1, 10_000), extent(2, 0, 9_000)];
    let (bytes, allocation) = (Bytes::from(data.clone()), Allocation::None);
    desk.run(DiskTask::Write { extents: extents.clone(), data: vec![bytes], hash: None, allocation })
        .unwrap();
    let task = DiskTask::Digest { place: Place::Part, extents, hash: PieceDigest::with_blocks() };
    let Ok(DiskOutcome::Digest(digest)) = desk.run(task) else { panic!("not hashed") };
    assert_eq!(digest.whole(), state_of(&data));
    let blocks: Vec<_> = data.chunks(16 << 10).map(peerless_core::sha1).collect();
    assert_eq!(digest.into_blocks(), blocks);
}

#[test]
fn a_file_that_is_missing_or_ends_early_is_short() {
    let mut desk = Desk::single(100);
    assert_eq!(desk.fails(read(Place::Part, &[extent(0, 0, 1)])), DiskErrorKind::Short);
    fs::write(desk.path(Place::Final), [1; 10]).unwrap();
    assert_eq!(desk.fails(read(Place::Final, &[extent(0, 5, 6)])), DiskErrorKind::Short);
    let digest = DiskTask::Digest {
        place: Place::Final,
        extents: vec![extent(0, 5, 6)],
        hash: Sha1State::new().into(),
    };
    assert_eq!(desk.fails(digest), DiskErrorKind::Short);
    let mut album = Desk::album();
    assert_eq!(album.fails(read(Place::Final, &[extent(2, 0, 1)])), DiskErrorKind::Short);
}

#[test]
fn reading_creates_and_changes_nothing() {
    let mut desk = Desk::album();
    desk.fails(read(Place::Part, &[extent(2, 0, 1)]));
    assert_eq!(names(desk.dir.path()), [""; 0]);
}

#[test]
fn space_is_set_aside_as_asked() {
    const LEN: u64 = 300_000;
    for (allocation, size, blocks) in
        [(Allocation::None, 104, 0), (Allocation::Sparse, LEN, 0), (Allocation::Full, LEN, LEN)]
    {
        let mut desk = Desk::single(LEN);
        let DiskTask::Write { extents, data, hash, .. } = write(&[extent(0, 100, 4)], &[b"data"]) else {
            unreachable!()
        };
        desk.run(DiskTask::Write { extents, data, hash, allocation }).unwrap();
        let found = fs::metadata(desk.path(Place::Part)).unwrap();
        assert_eq!(found.len(), size, "{allocation:?}");
        assert!(found.blocks() * 512 >= blocks, "{allocation:?}");
        assert!(allocation == Allocation::Full || found.blocks() * 512 < LEN, "{allocation:?}");
    }
}

#[test]
fn a_file_that_cannot_fit_takes_no_space() {
    let mut desk = Desk::single(1 << 47);
    let DiskTask::Write { extents, data, hash, .. } = write(&[extent(0, 0, 4)], &[b"data"]) else {
        unreachable!()
    };
    let task = DiskTask::Write { extents, data, hash, allocation: Allocation::Full };
    assert_eq!(desk.fails(task.clone()), DiskErrorKind::NoSpace);
    assert_eq!(desk.fails(task), DiskErrorKind::NoSpace, "nor does it at the second try");
    assert_eq!(fs::metadata(desk.path(Place::Part)).unwrap().len(), 0);
}

#[test]
fn a_longer_file_is_not_cut() {
    let mut desk = Desk::single(10);
    fs::write(desk.path(Place::Part), [1; 50]).unwrap();
    desk.run(write(&[extent(0, 0, 4)], &[b"data"])).unwrap();
    assert_eq!(fs::metadata(desk.path(Place::Part)).unwrap().len(), 50);
}

#[test]
fn parents_of_the_target_are_made_when_they_are_needed() {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::new(16);
    let target = store.claim(&dir.path().join("new/er/file")).unwrap();
    store.register(TORRENT, &target, Contents { single: true, files: vec![file("", 4)] });
    let run = |task| store.execute(DiskOp { torrent: TORRENT, task }, &mut Scratch::default());
    assert_eq!(run(DiskTask::Survey { place: Place::Part }), Ok(DiskOutcome::Survey(Survey::Absent)));
    assert!(!dir.path().join("new").exists());
    run(write(&[extent(0, 0, 4)], &[b"data"])).unwrap();
    assert_eq!(fs::read(dir.path().join("new/er/file.part")).unwrap(), b"data");
}

#[test]
fn a_planted_link_is_never_followed() {
    let elsewhere = tempfile::tempdir().unwrap();
    let secret = elsewhere.path().join("secret");
    fs::write(&secret, b"secret").unwrap();
    for (link, to) in [("one", &secret), ("in", &elsewhere.path().to_owned())] {
        let mut desk = Desk::album();
        let part = desk.path(Place::Part);
        fs::create_dir(&part).unwrap();
        symlink(to, part.join(link)).unwrap();
        let error = desk.run(write(&all(), &BYTES)).unwrap_err();
        assert_eq!(error.kind, DiskErrorKind::Symlink, "{link}");
        assert_eq!(&*error.path, part.join(link).to_str().unwrap());
        assert_eq!(desk.fails(read(Place::Part, &all())), DiskErrorKind::Symlink, "{link}");
    }
    let mut desk = Desk::single(6);
    symlink(&secret, desk.path(Place::Part)).unwrap();
    assert_eq!(desk.fails(write(&[extent(0, 0, 4)], &[b"data"])), DiskErrorKind::Symlink);
    let mut desk = Desk::album();
    symlink(elsewhere.path(), desk.path(Place::Part)).unwrap();
    assert_eq!(desk.fails(write(&all(), &BYTES)), DiskErrorKind::Symlink);
    assert_eq!(names(elsewhere.path()), ["secret"]);
    assert_eq!(fs::read(&secret).unwrap(), b"secret");
}

#[test]
fn a_link_to_data_that_the_user_named_is_read() {
    let mut desk = Desk::single(4);
    fs::write(desk.dir.path().join("real"), b"data").unwrap();
    symlink("real", desk.path(Place::Final)).unwrap();
    assert!(matches!(desk.survey(Place::Final), Survey::Present(_)));
    let got = desk.run(read(Place::Final, &[extent(0, 0, 4)]));
    assert_eq!(bytes(got), b"data"[..]);
}

#[test]
fn something_else_in_the_way_is_said_so_and_kept() {
    let mut desk = Desk::album();
    fs::create_dir_all(desk.path(Place::Part).join("one")).unwrap();
    assert_eq!(desk.fails(write(&all(), &BYTES)), DiskErrorKind::InTheWay);
    let mut desk = Desk::album();
    fs::write(desk.path(Place::Part), b"a file").unwrap();
    assert_eq!(desk.fails(write(&all(), &BYTES)), DiskErrorKind::InTheWay);
    assert_eq!(fs::read(desk.path(Place::Part)).unwrap(), b"a file");
    // A pipe must not hang the worker, whichever way it is opened.
    let mut desk = Desk::single(4);
    let pipe = desk.path(Place::Part);
    rustix::fs::mknodat(
        rustix::fs::CWD,
        &pipe,
        rustix::fs::FileType::Fifo,
        rustix::fs::Mode::from_raw_mode(0o600),
        0,
    )
    .unwrap();
    assert_eq!(desk.fails(read(Place::Part, &[extent(0, 0, 4)])), DiskErrorKind::InTheWay);
    assert_eq!(desk.fails(write(&[extent(0, 0, 4)], &[b"data"])), DiskErrorKind::InTheWay);
}

#[test]
fn a_directory_that_may_not_be_written_denies() {
    let mut desk = Desk::album();
    let dir = desk.dir.path().to_owned();
    fs::set_permissions(&dir, fs::Permissions::from_mode(0o555)).unwrap();
    let result = desk.run(write(&all(), &BYTES));
    fs::set_permissions(&dir, fs::Permissions::from_mode(0o755)).unwrap();
    // The superuser may all the same.
    if rustix::process::geteuid().is_root() {
        assert_eq!(result, Ok(DiskOutcome::Write(None)));
        return;
    }
    let error = result.unwrap_err();
    assert_eq!(error.kind, DiskErrorKind::Denied);
    assert!(error.to_string().starts_with("disk: cannot write "), "{error}");
}

#[test]
fn names_that_step_out_are_refused_even_if_the_core_lets_them_through() {
    for bad in ["..", ".", "a/b", "nul\0"] {
        let path = vec![bad.into(), "x".into()];
        let mut desk = Desk::multi(vec![StoredFile { path, length: 4, padding: false }]);
        assert_eq!(desk.fails(write(&[extent(0, 0, 4)], &[b"data"])), DiskErrorKind::Denied, "{bad}");
        let path = vec![bad.into()];
        let mut desk = Desk::multi(vec![StoredFile { path, length: 4, padding: false }]);
        assert_eq!(desk.fails(write(&[extent(0, 0, 4)], &[b"data"])), DiskErrorKind::Denied, "{bad}");
    }
}

#[test]
fn five_thousand_files_need_a_handful_of_handles() {
    let files = (0..5_000).map(|n| file(&format!("d{}/f{n}", n % 50), 3)).collect();
    let mut desk = Desk::multi(files);
    for n in 0..5_000 {
        desk.run(write(&[extent(n, 0, 3)], &[b"abc"])).unwrap();
        assert!(desk.store.pool.len() <= 16);
    }
    let extents: Vec<Extent> = (0..5_000).map(|n| extent(n, 0, 3)).collect();
    let data = bytes(desk.run(read(Place::Part, &extents)));
    assert_eq!(data, b"abc".repeat(5_000));
    let Survey::Present(stamps) = desk.survey(Place::Part) else { panic!("not there") };
    assert!(stamps.iter().all(|s| s.is_some_and(|s| s.len == 3)));
}

#[test]
fn many_threads_write_one_torrent() {
    let files = (0..40).map(|n| file(&format!("deep/{}/f{n}", n % 4), 64)).collect();
    let desk = Desk::multi(files);
    std::thread::scope(|scope| {
        for thread in 0..4u64 {
            let store = &desk.store;
            scope.spawn(move || {
                for n in 0..40 {
                    let task = write(&[extent(n, thread * 16, 16)], &[b"sixteen bytes ok"]);
                    let op = DiskOp { torrent: TORRENT, task };
                    store.execute(op, &mut Scratch::default()).unwrap();
                    let task = DiskTask::Sync { files: vec![FileIndex(n)] };
                    store.execute(DiskOp { torrent: TORRENT, task }, &mut Scratch::default()).unwrap();
                }
            });
        }
    });
    for n in 0..40 {
        let path = desk.path(Place::Part).join(format!("deep/{}/f{n}", n % 4));
        assert_eq!(fs::read(path).unwrap(), b"sixteen bytes ok".repeat(4));
    }
}

fn mend(extents: &[Extent], data: &[&'static [u8]], hash: Option<Sha1State>) -> DiskTask {
    let data = data.iter().map(|d| Bytes::from_static(d)).collect();
    DiskTask::Mend { extents: extents.to_vec(), data, hash }
}

#[test]
fn a_finished_file_that_was_cut_is_mended_in_its_place() {
    let mut desk = Desk::album();
    desk.run(write(&all(), &BYTES)).unwrap();
    desk.run(DiskTask::FillUp).unwrap();
    desk.run(DiskTask::Publish).unwrap();
    let path = desk.path(Place::Final).join("one");
    // A handle for reading is open already.
    let got = desk.run(read(Place::Final, &[extent(0, 8, 2)]));
    let Ok(DiskOutcome::Read { stamps: before, .. }) = got else { panic!("nothing was read: {got:?}") };
    fs::OpenOptions::new().write(true).open(&path).unwrap().set_len(3).unwrap();
    assert_eq!(desk.fails(read(Place::Final, &[extent(0, 8, 2)])), DiskErrorKind::Short);
    let task = mend(&[extent(0, 6, 2), padding(1, 2)], &[b"67", &[0, 0]], Some(Sha1State::new()));
    let got = desk.run(task);
    let Ok(DiskOutcome::Mend { hash: Some(hash), stamps }) = got else { panic!("not mended: {got:?}") };
    assert_eq!(hash, state_of(b"67\0\0"));
    assert_eq!((stamps.len(), stamps[0].len), (2, 10));
    assert_ne!(stamps[0], before[0]);
    assert_eq!(fs::read(&path).unwrap(), b"012\0\0\x0067\0\0");
    assert!(!desk.path(Place::Part).exists());
}

#[test]
fn mending_creates_nothing_and_follows_no_link() {
    let mut desk = Desk::single(4);
    let task = || mend(&[extent(0, 0, 4)], &[b"data"], None);
    assert_eq!(desk.fails(task()), DiskErrorKind::NotFound);
    assert!(!desk.path(Place::Final).exists());
    let real = desk.dir.path().join("real");
    fs::write(&real, "mine").unwrap();
    symlink(&real, desk.path(Place::Final)).unwrap();
    assert_eq!(bytes(desk.run(read(Place::Final, &[extent(0, 0, 4)]))), b"mine"[..]);
    assert_eq!(desk.fails(task()), DiskErrorKind::Symlink);
    assert_eq!(fs::read(&real).unwrap(), b"mine");
}

#[test]
fn a_torrent_that_was_removed_has_no_files() {
    let mut desk = Desk::single(4);
    desk.run(write(&[extent(0, 0, 4)], &[b"data"])).unwrap();
    desk.store.unregister(TORRENT);
    assert_eq!(desk.store.pool.len(), 0);
    assert_eq!(desk.fails(read(Place::Part, &[extent(0, 0, 4)])), DiskErrorKind::NotFound);
}
