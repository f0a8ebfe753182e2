"""The language of the program. The code prints plain English, which is translated here on its way out.

translate.py  English text -> text of the chosen language, sentence by sentence
singular.py   1 of something, in English
choice.py     chooses the language by a flag or the locale
ja.json       the Japanese catalogue, of messages and pages: English with {} for each value -> Japanese, {0}, {1}, ...
"""
