#include "libs/base/lower_case.h"

#include <gtest/gtest.h>

namespace gatehouse {
namespace {

// The results are those of OpenJDK 17.
TEST(LowerCaseTest, AllScripts) {
  EXPECT_EQ(LowerCase("ABCXYZ[@`{"), "abcxyz[@`{");
  EXPECT_EQ(LowerCase("ÜÄÑŁŽČŐŸ"), "üäñłžčőÿ");
  EXPECT_EQ(LowerCase("ЯЁЂ Ӂ Ԁ"), "яёђ ӂ ԁ");
  EXPECT_EQ(LowerCase("ԱՖ"), "աֆ");              // Armenian
  EXPECT_EQ(LowerCase("ႠჅ"), "ⴀⴥ");              // Georgian, ecclesiastical
  EXPECT_EQ(LowerCase("ᲐᲿ"), "აჿ");          // Georgian, modern
  EXPECT_EQ(LowerCase("Ꭰ"), "ꭰ");              // Cherokee
  EXPECT_EQ(LowerCase("ẞẠỸ"), "ßạỹ");            // Latin, additional
  EXPECT_EQ(LowerCase("ＡＺ"), "ａｚ");          // full width
  EXPECT_EQ(LowerCase("𐐀𞤀"), "𐐨𞤢");  // Deseret, Adlam: beyond 16 bits
  EXPECT_EQ(LowerCase("ΆΏ ᾈ ῼ"), "άώ ᾀ ῳ");
  EXPECT_EQ(LowerCase("\u0130I"), "i\u0307i");   // as in the root locale, not Turkish
  EXPECT_EQ(LowerCase("\u212A\u2126Ⅷ"), "kωⅷ");  // Kelvin, Ohm, a Roman number
  EXPECT_EQ(LowerCase("日本@x ß ǆ"), "日本@x ß ǆ");
  EXPECT_EQ(LowerCase(""), "");
}

TEST(LowerCaseTest, SigmaAtTheEndOfAWord) {
  EXPECT_EQ(LowerCase("ΟΔΥΣΣΕΥΣ@ΙΘΑΚΗΣ.GR"), "οδυσσευς@ιθακησ.gr");  // a dot joins
  EXPECT_EQ(LowerCase("ΑΣ"), "ας");
  EXPECT_EQ(LowerCase("Σ"), "σ");
  EXPECT_EQ(LowerCase("ΣΣ ΣΑ"), "σς σα");
  EXPECT_EQ(LowerCase("ς σ"), "ς σ");
  EXPECT_EQ(LowerCase("Α\u0301Σ\u0301"), "α\u0301ς\u0301");
}

// The ends of Java's words.
TEST(LowerCaseTest, WordsOfJava) {
  EXPECT_EQ(LowerCase("ΑΣ.Α ΑΣ-Α ΑΣ_Α ΑΣ'Α ΑΣ1Α"), "ασ.α ασ-α ασ_α ασ'α ασ1α");
  EXPECT_EQ(LowerCase("ΑΣ+Α ΑΣ@Α ΑΣ..Α ΑΣ1-2Α ΑΣ.1Α ΑΣ1.Α"), "ας+α ας@α ας..α ας1-2α ας.1α ας1.α");
  EXPECT_EQ(LowerCase("ΑΣ1.2Α ΑΣ1,2Α ΑΣ,Α"), "ασ1.2α ασ1,2α ας,α");
  EXPECT_EQ(LowerCase("Α.Σ Α@Σ Α1Σ Α1.Σ"), "α.ς α@σ α1ς α1.σ");
  EXPECT_EQ(LowerCase("ΑΣ日Α ΑΣאΑ ΑΣ\u00ADΑ"), "ας日α ασאα ασ\u00ADα");
}

}  // namespace
}  // namespace gatehouse
