// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {DcapHarness} from "../../contracts/mocks/DcapHarness.sol";

interface Vm {
    function assume(bool condition) external pure;
}

/// @dev What a strict DER reader has to do for every input.
contract DerTest {
    Vm private constant VM = Vm(address(uint160(uint256(keccak256("hevm cheat code")))));

    DcapHarness private _harness;

    function setUp() public {
        _harness = new DcapHarness();
    }

    /// @dev What is read lies inside what was given, and written again gives the same octets.
    function testFuzz_elementsAreCanonical(bytes calldata data) public view {
        try _harness.element(data) returns (uint256 tag, uint256 start, uint256 stop) {
            assert(stop <= data.length && start <= stop);
            bytes memory header = _header(tag, stop - start);
            assert(keccak256(header) == keccak256(data[:start]));
        } catch {}
    }

    function testFuzz_elementsAreRead(uint8 tag, bytes calldata content) public view {
        VM.assume(tag & 0x1f != 0x1f && content.length < 0x10000);
        bytes memory der = bytes.concat(_header(tag, content.length), content);
        (uint256 found, uint256 start, uint256 stop) = _harness.element(der);
        assert(found == tag && stop == der.length && stop - start == content.length);
    }

    function testFuzz_anElementDoesNotLeaveItsContainer(uint8 tag, bytes calldata content) public view {
        VM.assume(content.length > 0 && content.length < 0x10000);
        bytes memory der = bytes.concat(_header(tag, content.length), content[1:]);
        try _harness.element(der) {
            assert(false);
        } catch {}
    }

    function testFuzz_integersAreMinimal(bytes calldata content) public view {
        VM.assume(content.length < 0x80);
        bytes memory der = bytes.concat(_header(0x02, content.length), content);
        try _harness.unsigned(der) returns (uint256 value) {
            assert(keccak256(_integer(value)) == keccak256(content));
        } catch {}
    }

    function testFuzz_integersAreRead(uint256 value) public view {
        bytes memory content = _integer(value);
        assert(_harness.unsigned(bytes.concat(_header(0x02, content.length), content)) == value);
    }

    function testFuzz_onlyTwoOctetsAreBooleans(uint8 octet) public view {
        try _harness.boolean(abi.encodePacked(hex"0101", octet)) returns (bool value) {
            assert(value ? octet == 0xff : octet == 0);
        } catch {
            assert(octet != 0 && octet != 0xff);
        }
    }

    /// @dev A named bit string has one encoding: it ends in a bit that is set.
    function testFuzz_namedBitsHaveNoTrailingZeros(uint8 unused, uint8 octet) public view {
        try _harness.namedBits(abi.encodePacked(hex"0302", unused, octet)) returns (uint256 bits) {
            assert(bits == octet && unused < 8 && (octet >> unused) & 1 == 1 && octet & ((1 << unused) - 1) == 0);
        } catch {
            bool canonical = unused < 8 && octet != 0 && octet % (uint256(1) << unused) == 0;
            assert(!canonical || (octet >> unused) & 1 == 0);
        }
    }

    /// @dev Each second of a century is read as what it is.
    function testFuzz_timesAreRead(uint32 seconds_) public view {
        VM.assume(seconds_ < 2524608000);
        assert(_harness.time(bytes.concat(hex"170d", _utc(seconds_))) == seconds_);
    }

    function testFuzz_timesHaveOneForm(bytes13 text) public view {
        try _harness.time(bytes.concat(hex"170d", text)) returns (uint40 time) {
            bool beforeEpoch = uint8(text[0]) > 0x34 && uint8(text[0]) < 0x37;
            if (!beforeEpoch) assert(keccak256(_utc(time)) == keccak256(bytes.concat(text)));
        } catch {}
    }

    function _header(uint256 tag, uint256 length) private pure returns (bytes memory) {
        if (length < 0x80) return abi.encodePacked(uint8(tag), uint8(length));
        if (length < 0x100) return abi.encodePacked(uint8(tag), uint8(0x81), uint8(length));
        return abi.encodePacked(uint8(tag), uint8(0x82), uint16(length));
    }

    /// @dev The shortest two's complement of a number without sign.
    function _integer(uint256 value) private pure returns (bytes memory content) {
        content = abi.encodePacked(uint8(value));
        while (value > 0xff) {
            value >>= 8;
            content = abi.encodePacked(uint8(value), content);
        }
        if (uint8(content[0]) > 0x7f) content = abi.encodePacked(uint8(0), content);
    }

    /// @dev YYMMDDhhmmssZ, counting days one year and one month at a time.
    function _utc(uint256 time) private pure returns (bytes memory) {
        uint256 left = time / 1 days;
        uint256 year = 1970;
        while (left >= (_leap(year) ? 366 : 365)) left -= _leap(year++) ? 366 : 365;
        uint256 month = 1;
        while (left >= _days(month, year)) left -= _days(month++, year);
        time %= 1 days;
        return
            bytes.concat(
                _two(year % 100),
                _two(month),
                _two(left + 1),
                _two(time / 3600),
                _two((time / 60) % 60),
                _two(time % 60),
                "Z"
            );
    }

    function _days(uint256 month, uint256 year) private pure returns (uint256) {
        if (month == 2) return _leap(year) ? 29 : 28;
        return month == 4 || month == 6 || month == 9 || month == 11 ? 30 : 31;
    }

    function _leap(uint256 year) private pure returns (bool) {
        return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    }

    function _two(uint256 value) private pure returns (bytes memory) {
        return abi.encodePacked(uint8(0x30 + value / 10), uint8(0x30 + (value % 10)));
    }
}
