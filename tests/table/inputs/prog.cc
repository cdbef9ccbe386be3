#include <algorithm>
#include <iostream>
#include <map>
#include <memory>
#include <regex>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>
struct shape { virtual double area() const = 0; virtual ~shape() {} };
struct square : shape { double a; square(double x) : a(x) {} double area() const override { return a * a; } };
struct disc : shape { double r; disc(double x) : r(x) {} double area() const override { return 3.14159 * r * r; } };
int main()
{
    std::vector<std::unique_ptr<shape>> v; for (int i = 0; i < 100; i++) { if (i % 3) v.emplace_back(new square(i)); else v.emplace_back(new disc(i)); }
    double s = 0; for (auto &p : v) s += p->area(); std::cout << s << "\n";
    std::map<std::string, int> m; for (int i = 0; i < 1000; i++) m["k" + std::to_string(i % 37)] += i; for (auto &e : m) if (e.second % 5 == 0) std::cout << e.first << e.second << " "; std::cout << "\n";
    try { std::vector<int>(3).at(7); } catch (const std::out_of_range &) { std::cout << "caught\n"; }
    try { try { throw std::runtime_error("inner"); } catch (...) { throw; } } catch (std::exception &e) { std::cout << e.what() << "\n"; }
    int n = 0; std::thread t([&] { for (int i = 0; i < 1000; i++) n += i; }); t.join(); std::cout << n << " " << std::regex_replace("a1b22", std::regex("[0-9]+"), "#") << std::endl;
}
