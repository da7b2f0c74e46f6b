"""Odd values for the members of a body, as JSON text."""

import json

# Kept as text, so that `1e5`, `-0` and escapes arrive as they are written.
ODD = """null true false 0 1 -1 12 1.0 12.0 1.5 -0 -0.0 1e2 123456789012345678901234567890 0.1 1e-7 1e22 ""
"x" " " "12" "true" [] {} [1] {"a":1} [[]] "é" "日本語" "😀" "\\u00e9" "\\ud83d\\ude00"
"\\n\\t\\"\\\\\\/" "<b>&" "\\u007f"
"""

INTEGERS = """0 1 -1 -0 7.0 7.5 -7.0 1e2 1e-2 0.0 -0.0 2147483647 -2147483648 2147483648 -2147483649
9223372036854775808 123456789012345678901234567890 1e15 1e300 true false null "7" " 7 " "\\t7\\n"
"+7" "-7" "007" "7.0" "7.00" "7." ".0" "7.5" "7e2" "0x7" "1_000" "1__0" "_1" "1_" "- 7" "--7" "7 7"
"" " " "٧" "７" "²" "\\u00a07" "\\u20037" "NaN" "inf" "true" "None" "2147483647" "2147483648"
"-2147483649" "99999999999999999999" "-0" "+0" "+" "-" [] [7] {} {"a":7}"""

BOOLEANS = """true false 0 1 2 -1 0.0 1.0 0.5 2.0 -0.0 null "true" "True" "TRUE" "tRuE" "false" "t" "T" "f" "F"
"y" "Y" "yes" "YES" "n" "no" "on" "ON" "off" "Off" "1" "0" "2" "1.0" "01" " true" "true " "" " "
"enabled" "ja" "ｔrue" [] [true] {} {"a":true} 12345678901234567890"""

LISTS = """null [] ["a"] ["a","b","a"] [""] [null] [1] [1.0] [true] [[]] [{}] ["a",1,"b",2,null,"c"]
["é","😀","\\u0001"] {} {"0":"a"} "a" "" 0 1 true false 1.5 [["a"]] [{"a":"b"}] ["a",["b",["c"]]]"""

OUT_OF_COLUMN = {
    "2147483648",
    "-2147483649",
    "9223372036854775808",
    "123456789012345678901234567890",
    "1e15",
    "1e300",
    '"2147483648"',
    '"-2147483649"',
    '"99999999999999999999"',
}


def values_of(text: str) -> list[str]:
    """The JSON values of a list above; quoted ones may hold blanks."""
    decoder, found, at = json.JSONDecoder(), [], 0
    while at < len(text):
        if text[at].isspace():
            at += 1
            continue
        _, end = decoder.raw_decode(text, at)
        found.append(text[at:end])
        at = end
    return found


INTEGER_MEMBERS = ("time_spent", "completion_time")
ODD_VALUES = {
    **dict.fromkeys(INTEGER_MEMBERS, INTEGERS),
    **dict.fromkeys(("completion_status", "success"), BOOLEANS),
    **dict.fromkeys(("errors_encountered", "errors"), LISTS),
}


def odd_values(member: str) -> list[str]:
    if member in ODD_VALUES:
        return values_of(ODD_VALUES[member])
    return [v for v in values_of(ODD) if member != "id" or usable_id(v)]


def usable_id(text: str) -> bool:
    """Not empty (the contract does not say what that means) and no slash (the original cannot route it)."""
    return text != '""' and "\\/" not in text
