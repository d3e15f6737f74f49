// EXPECT_AIOS_ERROR(statement, code, part): it throws aios::Error with that code and those words.
#pragma once

#include <gtest/gtest.h>

#include <string>

#include "aios/error.hpp"

#define EXPECT_AIOS_ERROR(statement, expected_code, part)                               \
  try {                                                                                 \
    statement;                                                                          \
    ADD_FAILURE() << "expected an aios::Error with the words: " << (part);              \
  } catch (const aios::Error& error) {                                                  \
    EXPECT_EQ(error.code(), aios::ErrorCode::expected_code) << error.what();            \
    EXPECT_NE(std::string(error.what()).find(part), std::string::npos) << error.what(); \
  }
