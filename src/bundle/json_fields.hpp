// Fields of a JSON document that anybody may have written: each is read with its type, size and
// number checked. What python/aios/bundle/fields.py does, with the same words.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>

namespace aios::bundle {

using Json = nlohmann::json;

// Throws DataLoss: manifest.json doesn't say what it must.
[[noreturn]] void refuseManifest(const std::string& what);

// The document; no more than so many containers in one another.
Json parseJson(const std::string& text, int most_levels);

// A text of the document's for a message: short, and on one line.
std::string shown(const std::string& text);

const Json& member(const Json& object, const char* key);
// Null where it is missing or null.
const Json* optionalMember(const Json& object, const char* key);
const Json& listMember(const Json& object, const char* key, std::size_t most_entries);
// Of 1 to so many bytes of UTF-8.
std::string textMember(const Json& object, const char* key, std::size_t most_bytes);
void checkText(const Json& value, const std::string& what, std::size_t most_bytes);
// `object` is the field `key`: an object of so many entries at most.
void checkEntries(const Json& object, const char* key, std::size_t most_entries);

// Whether it is an integer in this range, which is within int64's.
bool isInteger(const Json& value, int64_t least, int64_t most);

}  // namespace aios::bundle
