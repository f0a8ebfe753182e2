"""The language that the program speaks. The code says plain English; here it becomes another language on its way out.

translate.py  English text -> text of the chosen language, sentence by sentence
singular.py   1 of something, in English
choice.py     which language a flag or the locale asks for
ja.json       the Japanese catalogue, of messages and pages: English with {} for each value -> Japanese, {0}, {1}, ...
"""
