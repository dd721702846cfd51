"""Streebog: the hash function GOST R 34.11-2012 (RFC 6986), which Kazakhstan's GOST 2015 keys and timestamps use.

It lets this office compare a digest or an imprint that somebody else reports with the bytes at hand; signatures
themselves it does not check. Written for clearness: a megabyte takes some seconds.
"""

from __future__ import annotations

from functools import cache
from typing import Literal

_BLOCK = 64
_WORDS = range(8)

# RFC 6986 section 6.2: the substitution pi.
_PI = bytes.fromhex(
    "fceedd11cf6e3116fbc4fada23c5044de977f0db932e99ba1736f1bb14cd5fc1f918655ae25cef21811c3c428b018e4f"
    "058402aee36a8fa0060bed987fd4d31feb342c51eac848abf22a68a2fd3aceccb5700e56080c7612bf7213479cb75d87"
    "15a19629107b9ac7f391786f9d9eb2b13275193dff358a7e6d54c680c3bd0d57dff524a93ea843c9d779d6f67c22b903"
    "e00fecde7a94b0bcdce828504e330a4aa79760731e0062441ab83882649f2641ad454692275e552f8ca3a57d69d5953b"
    "0758b34086ac1df730376be488d9e789e11b83494c3ff8fe8d53aa90cad88561207167a42d2b095bcb9b25d0bee56c52"
    "59a674d2e6f4b4c0d166afc2394b63b6"
)
# Section 6.4: the rows of the matrix A, 64 bits each.
_A = bytes.fromhex(
    "8e20faa72ba0b47047107ddd9b505a38ad08b0e0c3282d1cd8045870ef14980e6c022c38f90a4c073601161cf205268d"
    "1b8e0b0e798c13c883478b07b2468764a011d380818e8f405086e740ce47c9202843fd2067adea1014aff010bdd87508"
    "0ad97808d06cb40405e23c0468365a028c711e02341b2d0146b60f011a83988e90dab52a387ae76f486dd4151c3dfdb9"
    "24b86a840e90f0d2125c354207487869092e94218d243cba8a174a9ec8121e5d4585254f64090fa0accc9ca9328a8950"
    "9d4df05d5f661451c0a878a0a1330aa660543c50de970553302a1e286fc58ca718150f14b9ec46dd0c84890ad27623e0"
    "0642ca05693b9f700321658cba93c13886275df09ce8aaa8439da0784e745554afc0503c273aa42ad960281e9d1d5215"
    "e230140fc080298471180a8960409a42b60c05ca30204d215b068c651810a89e456c34887a3805b9ac361a443d1c8cd2"
    "561b0d22900e46692b838811480723ba9bcf4486248d9f5dc3e9224312c8c1a0effa11af0964ee50f97d86d98a327728"
    "e4fa2054a80b329c727d102a548b194e39b008152acb82279258048415eb419d492c024284fbaec0aa16012142f35760"
    "550b8e9e21f7a530a48b474f9ef5dc1870a6a56e2440598e3853dc371220a2471ca76e95091051ad0edd37c48a08a6d8"
    "07e095624504536c8d70c431ac02a736c83862965601dd1b641c314b2b8ee083"
)
# Section 6.5: the iteration constants C, 512 bits each.
_C = bytes.fromhex(
    "b1085bda1ecadae9ebcb2f81c0657c1f2f6a76432e45d016714eb88d7585c4fc4b7ce09192676901a2422a08a460d315"
    "05767436cc744d23dd806559f2a645076fa3b58aa99d2f1a4fe39d460f70b5d7f3feea720a232b9861d55e0f16b50131"
    "9ab5176b12d699585cb561c2db0aa7ca55dda21bd7cbcd56e679047021b19bb7f574dcac2bce2fc70a39fc286a3d8435"
    "06f15e5f529c1f8bf2ea7514b1297b7bd3e20fe490359eb1c1c93a376062db09c2b6f443867adb31991e96f50aba0ab2"
    "ef1fdfb3e81566d2f948e1a05d71e4dd488e857e335c3c7d9d721cad685e353fa9d72c82ed03d675d8b71333935203be"
    "3453eaa193e837f1220cbebc84e3d12e4bea6bacad4747999a3f410c6ca923637f151c1f1686104a359e35d7800fffbd"
    "bfcd1747253af5a3dfff00b723271a167a56a27ea9ea63f5601758fd7c6cfe57ae4faeae1d3ad3d96fa4c33b7a3039c0"
    "2d66c4f95142a46c187f9ab49af08ec6cffaa6b71c9ab7b40af21f66c2bec6b6bf71c57236904f35fa68407a46647d6e"
    "f4c70e16eeaac5ec51ac86febf240954399ec6c7e6bf87c9d3473e33197a93c90992abc52d822c3706476983284a0504"
    "3517454ca23c4af38886564d3a14d4939b1f5b424d93c9a703e7aa020c6e41414eb7f8719c36de1e89b4443b4ddbc49a"
    "f4892bcb929b069069d18d2bd1a5c42f36acc2355951a8d9a47f0dd4bf02e71e378f5a541631229b944c9ad8ec165fde"
    "3a7d3a1b258942243cd955b7e00d0984800a440bdbb2ceb17b2b8a9aa6079c540e38dc92cb1f2a607261445183235adb"
    "abbedea680056f52382ae548b2e4f3f38941e71cff8a78db1fffe18a1b3361039fe76702af69334b7a1e6c303b7652f4"
    "3698fad1153bb6c374b4c7fb98459ced7bcd9ed0efc889fb3002c6cd635afe94d8fa6bbbebab07612001802114846679"
    "8a1d71efea48b9caefbacd1d7d476e98dea2594ac06fd85d6bcaa4cd81f32d1b378ee767f11631bad21380b00449b17a"
    "cda43c32bcdf1d77f82012d430219f9b5d80ef9d1891cc86e71da4aa88e12852faf417d5d9b21b9948bc924af11bd720"
)

_State = tuple[int, ...]  # eight words of 64 bits, the lowest first


def digest(data: bytes, bits: Literal[256, 512] = 512) -> bytes:
    """The hash of `data`, 32 or 64 octets, in the order in which CMS and RFC 3161 carry it (RFC 6986 section 7)."""
    state: _State = (0x0101010101010101 if bits == 256 else 0,) * 8
    count, total = 0, 0
    whole = len(data) // _BLOCK * _BLOCK
    for start in range(0, whole, _BLOCK):
        block = data[start : start + _BLOCK]
        state = _compress(state, _words(block), _words(_number(count)))
        count += _BLOCK * 8
        total += int.from_bytes(block, "little")
    rest = data[whole:]
    last = (rest + b"\x01").ljust(_BLOCK, b"\0")
    state = _compress(state, _words(last), _words(_number(count)))
    count += len(rest) * 8
    total += int.from_bytes(last, "little")
    for block in (_number(count), _number(total)):
        state = _compress(state, _words(block), (0,) * 8)
    whole_hash = b"".join(word.to_bytes(8, "little") for word in state)
    return whole_hash[32:] if bits == 256 else whole_hash


def _compress(state: _State, block: _State, count: _State) -> _State:
    """The function g_N of section 8: a Miyaguchi-Preneel step around a block cipher of twelve rounds."""
    key = _lps(_xor(state, count))
    text = block
    for constant in _constants():
        text = _lps(_xor(text, key))
        key = _lps(_xor(key, constant))
    return _xor(_xor(_xor(text, key), state), block)


def _lps(state: _State) -> _State:
    """Substitution, permutation and linear map in one: word i gathers the i-th octet of every word."""
    tables = _tables()
    result = []
    for index in _WORDS:
        shift, word = 8 * index, 0
        for position in _WORDS:
            word ^= tables[position][state[position] >> shift & 0xFF]
        result.append(word)
    return tuple(result)


@cache
def _tables() -> list[list[int]]:
    """For each octet of a word, what the linear map makes of every value that was substituted in."""
    rows = [int.from_bytes(_A[i : i + 8], "big") for i in range(0, len(_A), 8)]
    return [[_mapped(rows, _PI[octet] << 8 * position) for octet in range(256)] for position in _WORDS]


def _mapped(rows: list[int], word: int) -> int:
    mapped = 0
    for bit in range(64):
        if word >> bit & 1:
            mapped ^= rows[63 - bit]
    return mapped


@cache
def _constants() -> list[_State]:
    return [_words(_C[i : i + _BLOCK][::-1]) for i in range(0, len(_C), _BLOCK)]


def _words(block: bytes) -> _State:
    return tuple(int.from_bytes(block[i : i + 8], "little") for i in range(0, _BLOCK, 8))


def _number(value: int) -> bytes:
    return (value % (1 << 512)).to_bytes(_BLOCK, "little")


def _xor(left: _State, right: _State) -> _State:
    return tuple(a ^ b for a, b in zip(left, right, strict=True))
