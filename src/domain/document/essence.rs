//! The digest of a file without text: of its bytes without the parts that programs write
//! again each time they save the same content, such as times, names and previews.
//!
//! PNG, JPEG, WebP, PostScript and DVI are supported. In other files all bytes count.

use std::io::Read as _;

use flate2::read::ZlibDecoder;

use crate::domain::capture::Digest;

const PNG: &[u8] = b"\x89PNG\r\n\x1a\n";
/// The most bytes of pixels; the bytes of a larger picture are compared unchanged.
const PIXEL_BYTES: u64 = 256 << 20;

/// The digest of the content. Two files with equal digests have the same content.
pub(super) fn digest(bytes: &[u8]) -> Digest {
    let essence = if bytes.starts_with(PNG) {
        png(bytes)
    } else if bytes.starts_with(b"\xff\xd8") {
        jpeg(bytes)
    } else if bytes.starts_with(b"RIFF") && bytes.get(8..12) == Some(b"WEBP") {
        webp(bytes)
    } else if bytes.starts_with(b"%!PS") {
        Some(postscript(bytes))
    } else if bytes.starts_with(b"\xf7\x02") {
        dvi(bytes).map(<[u8]>::to_vec)
    } else {
        None
    };
    essence.map_or_else(|| Digest::of(bytes), |essence| Digest::of(&essence))
}

/// The size, the palette and the unpacked image data of a PNG (W3C PNG, section 11).
/// `None` for a damaged or an animated one.
fn png(bytes: &[u8]) -> Option<Vec<u8>> {
    const SHOWN: &[&[u8]] = &[b"IHDR", b"PLTE", b"tRNS"];
    let mut essence = Vec::new();
    let mut packed = Vec::new();
    let mut rest = bytes.get(PNG.len()..)?;
    loop {
        let (length, behind) = rest.split_first_chunk::<4>()?;
        let (kind, behind) = behind.split_first_chunk::<4>()?;
        let data = behind.get(..usize::try_from(u32::from_be_bytes(*length)).ok()?)?;
        match kind {
            b"IEND" => break,
            b"acTL" => return None,
            b"IDAT" => packed.extend_from_slice(data),
            kind if SHOWN.contains(&kind.as_slice()) => essence.extend_from_slice(data),
            _ => {}
        }
        // A checksum of four bytes follows the data.
        rest = behind.get(data.len() + 4..)?;
    }
    let mut filtered = Vec::new();
    ZlibDecoder::new(&packed[..]).take(PIXEL_BYTES + 1).read_to_end(&mut filtered).ok()?;
    if u64::try_from(filtered.len()).is_ok_and(|length| length > PIXEL_BYTES) {
        return None;
    }
    essence.extend(unfiltered(essence.first_chunk::<13>()?, &filtered).unwrap_or(filtered));
    Some(essence)
}

/// The pixels of the rows (W3C PNG, section 9), which another encoder may filter in
/// another way. `None` for an interlaced picture.
fn unfiltered(header: &[u8; 13], filtered: &[u8]) -> Option<Vec<u8>> {
    let [w0, w1, w2, w3, _, _, _, _, depth, colour, _, _, interlaced] = *header;
    let width = usize::try_from(u32::from_be_bytes([w0, w1, w2, w3])).ok()?;
    let samples = match colour {
        0 | 3 => 1,
        2 => 3,
        4 => 2,
        6 => 4,
        _ => return None,
    };
    let bits = samples * usize::from(depth);
    let (row_bytes, pixel) = (width.checked_mul(bits)?.div_ceil(8), bits.div_ceil(8));
    if interlaced != 0 || row_bytes == 0 {
        return None;
    }
    let mut pixels: Vec<u8> = Vec::with_capacity(filtered.len());
    let mut above = vec![0_u8; row_bytes];
    for line in filtered.chunks_exact(row_bytes + 1) {
        let (filter, data) = line.split_first()?;
        let mut row = data.to_vec();
        for at in 0..row_bytes {
            let left = if at < pixel { 0 } else { row[at - pixel] };
            let corner = if at < pixel { 0 } else { above[at - pixel] };
            let predicted = match filter {
                0 => 0,
                1 => left,
                2 => above[at],
                3 => left.midpoint(above[at]),
                4 => paeth(left, above[at], corner),
                _ => return None,
            };
            row[at] = row[at].wrapping_add(predicted);
        }
        pixels.extend_from_slice(&row);
        above = row;
    }
    Some(pixels)
}

fn paeth(left: u8, up: u8, corner: u8) -> u8 {
    let estimate = i16::from(left) + i16::from(up) - i16::from(corner);
    let distance = |byte: u8| (estimate - i16::from(byte)).abs();
    let (to_left, to_up, to_corner) = (distance(left), distance(up), distance(corner));
    if to_left <= to_up && to_left <= to_corner {
        left
    } else if to_up <= to_corner {
        up
    } else {
        corner
    }
}

/// The segments of a JPEG without comments and the data of applications, in which
/// cameras and editors write; that of Adobe says how colours are stored (ITU-T T.81, B.1).
fn jpeg(bytes: &[u8]) -> Option<Vec<u8>> {
    const START_OF_SCAN: u8 = 0xda;
    let mut essence = Vec::new();
    let mut rest = bytes.get(2..)?;
    while let [0xff, marker, high, low, ..] = *rest {
        if marker == 0xff {
            rest = &rest[1..];
            continue;
        }
        if marker == START_OF_SCAN {
            // Segments between the scans of a progressive picture stay as they are.
            essence.extend_from_slice(rest);
            return Some(essence);
        }
        let segment = rest.get(..2 + usize::from(u16::from_be_bytes([high, low])))?;
        if !matches!(marker, 0xe0..=0xed | 0xef | 0xfe) {
            essence.extend_from_slice(segment);
        }
        rest = &rest[segment.len()..];
    }
    None
}

/// The chunks of a WebP that are shown.
fn webp(bytes: &[u8]) -> Option<Vec<u8>> {
    const SHOWN: &[&[u8]] = &[b"VP8 ", b"VP8L", b"ALPH", b"ANIM", b"ANMF"];
    let mut essence = Vec::new();
    let mut rest = bytes.get(12..)?;
    while let Some((kind, behind)) = rest.split_first_chunk::<4>() {
        let (length, data) = behind.split_first_chunk::<4>()?;
        let length = usize::try_from(u32::from_le_bytes(*length)).ok()?;
        let data_and_rest = data.split_at_checked(length)?;
        if SHOWN.contains(&kind.as_slice()) {
            essence.extend_from_slice(data_and_rest.0);
        }
        // Chunks begin at even places.
        rest = data_and_rest.1.get(length % 2..).unwrap_or_default();
    }
    Some(essence)
}

/// PostScript without comments, which hold the times and the names of programs, and
/// without the lines that set them for a conversion to PDF.
fn postscript(bytes: &[u8]) -> Vec<u8> {
    const DATED: &[&[u8]] = &[b"/CreationDate", b"/ModDate", b"/DOCINFO"];
    let has = |line: &[u8], part: &[u8]| line.windows(part.len()).any(|window| window == part);
    let mut essence = Vec::new();
    for line in bytes.split(|byte| matches!(byte, b'\n' | b'\r')) {
        let is_comment = line.trim_ascii_start().starts_with(b"%");
        if !line.is_empty() && !is_comment && !DATED.iter().any(|key| has(line, key)) {
            essence.extend_from_slice(line);
            essence.push(b'\n');
        }
    }
    essence
}

/// The pages of a DVI file, behind the comment with its time.
fn dvi(bytes: &[u8]) -> Option<&[u8]> {
    const COMMENT_LENGTH: usize = 14;
    bytes.get(COMMENT_LENGTH + 1 + usize::from(*bytes.get(COMMENT_LENGTH)?)..)
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use flate2::Compression;
    use flate2::write::ZlibEncoder;

    use super::*;

    fn chunk(kind: &[u8], data: &[u8]) -> Vec<u8> {
        [&u32::try_from(data.len()).unwrap().to_be_bytes(), kind, data, &[0; 4]].concat()
    }

    /// A grey picture of four by two pixels.
    fn picture(rows: [[u8; 5]; 2], level: u32, made: &[u8]) -> Vec<u8> {
        let mut packed = ZlibEncoder::new(Vec::new(), Compression::new(level));
        packed.write_all(&rows.concat()).unwrap();
        let header = [0, 0, 0, 4, 0, 0, 0, 2, 8, 0, 0, 0, 0];
        let parts =
            [chunk(b"IHDR", &header), chunk(b"tIME", made), chunk(b"IDAT", &packed.finish().unwrap())];
        [PNG, &parts.concat(), &chunk(b"IEND", b"")].concat()
    }

    #[test]
    fn a_picture_saved_again_is_the_same() {
        let plain = [[0, 10, 20, 30, 40], [0, 11, 21, 31, 41]];
        let first = digest(&picture(plain, 1, b"today"));
        assert_eq!(digest(&picture(plain, 9, b"tomorrow")), first);
        for (filter, row) in [(1, [11, 10, 10, 10]), (2, [1, 1, 1, 1]), (3, [6, 6, 6, 6]), (4, [1, 1, 1, 1])]
        {
            let row = [filter, row[0], row[1], row[2], row[3]];
            assert_eq!(digest(&picture([plain[0], row], 6, b"")), first, "filter {filter}");
        }
        assert_ne!(digest(&picture([plain[0], plain[0]], 1, b"today")), first);
        assert_eq!(digest(b"\x89PNG\r\n\x1a\ncut"), Digest::of(b"\x89PNG\r\n\x1a\ncut"));
    }

    #[test]
    fn metadata_of_programs_does_not_count() {
        let jpeg = |comment: &str, scan: &str| {
            let length = u8::try_from(comment.len() + 2).unwrap();
            let head = [&b"\xff\xd8\xff\xfe\0"[..], &[length], comment.as_bytes()].concat();
            [&head[..], b"\xff\xdb\0\x03q\xff\xda\0\x02", scan.as_bytes()].concat()
        };
        let ps = |day: u8, shown: &str| format!("%!PS-Adobe\n%%CreationDate: {day}\r\n({shown}) show\n%%EOF");
        let dvi = |time: &str, page: &str| {
            let length = u8::try_from(time.len()).unwrap();
            [&b"\xf7\x02"[..], &[0; 12], &[length], time.as_bytes(), page.as_bytes()].concat()
        };
        let webp = |exif: &str, shown: &str| {
            let chunk = |kind: &[u8], data: &str| {
                [kind, &u32::try_from(data.len()).unwrap().to_le_bytes(), data.as_bytes()].concat()
            };
            [&b"RIFF\0\0\0\0WEBP"[..], &chunk(b"EXIF", exif), &chunk(b"VP8 ", shown)].concat()
        };
        for (before, again, other) in [
            (jpeg("a", "x"), jpeg("bcd", "x"), jpeg("a", "y")),
            (ps(1, "x").into_bytes(), ps(2, "x").into_bytes(), ps(1, "y").into_bytes()),
            (dvi("1 May", "x"), dvi("12 May", "x"), dvi("1 May", "y")),
            (webp("aa", "x"), webp("bbbb", "x"), webp("aa", "y")),
        ] {
            assert_eq!(digest(&before), digest(&again));
            assert_ne!(digest(&before), digest(&other));
        }
    }
}
